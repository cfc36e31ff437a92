/// The strings of a metadata array, such as the tokens of a vocabulary: one buffer of bytes and where each begins.
///
/// Tokens need not be UTF-8, so a string is its bytes first. The buffer is a copy, independent of the file.
public struct GGUFStrings: Sendable, RandomAccessCollection {
    /// The bytes of all strings, one after another.
    public let buffer: [UInt8]
    private let starts: [Int]  // of each string in the buffer, then the end

    /// Copies an array that has been checked.
    init(_ array: GGUFArray, in store: any ByteStore) throws(FormatError) {
        var reader = GGUFReader(store, at: array.range.lowerBound)
        var buffer: [UInt8] = []
        var starts = [0]
        buffer.reserveCapacity(array.range.count - 8 * array.count)
        starts.reserveCapacity(array.count + 1)
        for _ in 0..<array.count {
            let range = try reader.stringRange("a string")
            buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: store.bytes[range]))
            starts.append(buffer.count)
        }
        self.buffer = buffer
        self.starts = starts
    }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of strings.
    public var endIndex: Int { starts.count - 1 }

    /// The bytes of a string.
    public subscript(index: Int) -> ArraySlice<UInt8> { buffer[starts[index]..<starts[index + 1]] }

    /// A string as text, with U+FFFD for what is not UTF-8.
    public func text(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }
}
