/// Reads the little-endian fields of a GGUF file one after another and never past its end.
struct GGUFReader {
    let store: any ByteStore
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int

    /// Arrays of arrays nested deeper than this are refused.
    static let deepest = 8

    init(_ store: any ByteStore, at position: Int = 0) {
        self.store = store
        bytes = store.bytes
        self.position = position
    }

    var remaining: Int { bytes.count - position }

    mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
        _: Integer.Type, _ what: @autoclosure () -> String
    ) throws(FormatError) -> Integer {
        guard remaining >= MemoryLayout<Integer>.size else { throw malformed("ends within \(what())") }
        let value = bytes.loadUnaligned(fromByteOffset: position, as: Integer.self)
        position += MemoryLayout<Integer>.size
        return Integer(littleEndian: value)
    }

    /// A 64-bit count of things that take at least `size` bytes each, all of which must fit into the rest of the file.
    mutating func count(ofSize size: Int, _ what: @autoclosure () -> String) throws(FormatError) -> Int {
        let count = try integer(UInt64.self, what())
        guard count <= UInt64(remaining / size) else {
            throw malformed("declares \(count) for \(what()), more than the file can hold")
        }
        return Int(count)
    }

    /// Moves past a string; its bytes' place in the file.
    mutating func stringRange(_ what: @autoclosure () -> String) throws(FormatError) -> Range<Int> {
        let length = try count(ofSize: 1, "the length of \(what())")
        defer { position += length }
        return position..<position + length
    }

    mutating func string(_ what: @autoclosure () -> String) throws(FormatError) -> String {
        let range = try stringRange(what())
        guard let string = String(validating: bytes[range], as: UTF8.self) else {
            throw malformed("holds \(what()) that is not UTF-8")
        }
        return string
    }

    /// A value of metadata: arrays are checked and skipped, and read when they are asked for.
    mutating func value(_ key: String) throws(FormatError) -> GGUFValue {
        let type = try valueType(key)
        switch type {
        case .string: return .string(try stringRange(key))
        case .array: return .array(try array(key, depth: 0))
        default:
            let start = position
            try skip(type.size!, key)
            return .scalar(type, at: start)
        }
    }

    /// Moves past an array, whose element type comes next.
    private mutating func array(_ key: String, depth: Int) throws(FormatError) -> GGUFArray {
        guard depth < GGUFReader.deepest else {
            throw malformed("nests arrays in \(key) deeper than \(GGUFReader.deepest)")
        }
        let type = try valueType(key)
        let smallest = type.size ?? (type == .string ? 8 : 12)
        let count = try count(ofSize: smallest, "the length of the array \(key)")
        let start = position
        switch type {
        case .string: for _ in 0..<count { _ = try stringRange(key) }
        case .array: for _ in 0..<count { _ = try array(key, depth: depth + 1) }
        default: position += count * smallest
        }
        return GGUFArray(elementType: type, count: count, range: start..<position)
    }

    /// The array that comes next, within a range that has been checked.
    mutating func nestedArray(_ key: String) throws(FormatError) -> GGUFArray { try array(key, depth: 0) }

    private mutating func valueType(_ key: String) throws(FormatError) -> GGUFValueType {
        let number = try integer(UInt32.self, "the type of \(key)")
        guard let type = GGUFValueType(rawValue: number) else {
            throw malformed("gives \(key) the type \(number), which GGUF does not define")
        }
        return type
    }

    private mutating func skip(_ count: Int, _ key: String) throws(FormatError) {
        guard remaining >= count else { throw malformed("ends within \(key)") }
        position += count
    }

    func malformed(_ problem: String) -> FormatError {
        FormatError(.malformed, store.location, "the GGUF file \(problem)")
    }
}

/// Where a value of metadata lies in its file.
enum GGUFValue: Sendable {
    case scalar(GGUFValueType, at: Int)
    case string(Range<Int>)
    case array(GGUFArray)
}

/// An array of metadata: checked to lie in the file, and read when asked for.
struct GGUFArray: Sendable {
    let elementType: GGUFValueType
    let count: Int
    let range: Range<Int>
}
