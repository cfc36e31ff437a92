import DynamaxFormats

/// Reads the fields of a protocol buffer message one after another and never past its end.
struct ProtobufReader {
    /// The value of a field.
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case bytes(ArraySlice<UInt8>)
        case fixed32(UInt32)

        /// A boolean.
        var bool: Bool? { if case .varint(let value) = self { value != 0 } else { nil } }
        /// A 32-bit integer, which is written with the sign extended.
        var int: Int? { if case .varint(let value) = self { Int(Int32(truncatingIfNeeded: value)) } else { nil } }
        /// A single-precision number.
        var float: Float? { if case .fixed32(let value) = self { Float(bitPattern: value) } else { nil } }
        /// The bytes of a string or message.
        var slice: ArraySlice<UInt8>? { if case .bytes(let value) = self { value } else { nil } }
    }

    private let bytes: ArraySlice<UInt8>
    private let location: String
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>, location: String) {
        self.bytes = bytes
        self.location = location
        position = bytes.startIndex
    }

    /// The next field, or nil at the end.
    mutating func next() throws(FormatError) -> (field: Int, value: Value)? {
        guard position < bytes.endIndex else { return nil }
        let key = try varint()
        guard key >> 3 != 0, let field = Int(exactly: key >> 3), field < 1 << 29 else { throw malformed() }
        switch key & 7 {
        case 0: return (field, .varint(try varint()))
        case 1: return (field, .fixed64(try fixed(8)))
        case 2:
            let count = try varint()
            guard count <= UInt64(bytes.endIndex - position) else { throw malformed() }
            defer { position += Int(count) }
            return (field, .bytes(bytes[position..<position + Int(count)]))
        case 5: return (field, .fixed32(UInt32(try fixed(4))))
        default: throw malformed()
        }
    }

    private mutating func varint() throws(FormatError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < bytes.endIndex else { throw malformed() }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw malformed()
    }

    private mutating func fixed(_ count: Int) throws(FormatError) -> UInt64 {
        guard bytes.endIndex - position >= count else { throw malformed() }
        defer { position += count }
        return bytes[position..<position + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func malformed() -> FormatError {
        FormatError(
            .malformed, location,
            "the file is no SentencePiece model, or damaged: expected a field at byte \(position) that fits")
    }
}
