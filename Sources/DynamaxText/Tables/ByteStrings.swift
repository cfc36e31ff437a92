/// Many byte strings, numbered from 0, in one buffer.
struct ByteStrings: Sendable {
    private(set) var buffer: [UInt8] = []
    private var starts: [Int] = [0]

    /// The number of strings.
    var count: Int { starts.count - 1 }

    init() {}

    init(capacity: Int, bytes: Int) {
        buffer.reserveCapacity(bytes)
        starts.reserveCapacity(capacity + 1)
    }

    /// Where a string lies in the buffer.
    @inline(__always) func range(_ index: Int) -> Range<Int> {
        Range(uncheckedBounds: (starts[index], starts[index + 1]))
    }

    subscript(index: Int) -> ArraySlice<UInt8> { buffer[range(index)] }

    mutating func append(_ bytes: some Collection<UInt8>) {
        buffer.append(contentsOf: bytes)
        starts.append(buffer.count)
    }

    mutating func append(_ bytes: Span<UInt8>) {
        for i in bytes.indices { buffer.append(bytes[i]) }
        starts.append(buffer.count)
    }
}
