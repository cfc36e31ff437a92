/// Composes GGUF files by hand, so that tests can make them lie.
struct GGUFBytes {
    private(set) var bytes: [UInt8] = []

    /// Begins a file that declares this many tensors and keys.
    init(version: UInt32 = 3, tensors: UInt64, keys: UInt64) {
        bytes = Array("GGUF".utf8)
        append(version)
        append(tensors)
        append(keys)
    }

    mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ string: String) {
        append(UInt64(string.utf8.count))
        bytes += Array(string.utf8)
    }

    /// Appends a key and the number of its type; its value is to follow.
    mutating func key(_ name: String, type: UInt32) {
        append(name)
        append(type)
    }

    /// Appends what the head says about a tensor, innermost extent first.
    mutating func tensor(_ name: String, _ extents: [UInt64], type: UInt32, offset: UInt64) {
        append(name)
        append(UInt32(extents.count))
        for extent in extents { append(extent) }
        append(type)
        append(offset)
    }

    /// Ends the head and appends the data.
    mutating func data(_ count: Int, alignment: Int = 32) {
        bytes += [UInt8](repeating: 0, count: (alignment - bytes.count % alignment) % alignment + count)
    }
}
