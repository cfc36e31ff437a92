/// The keys and values at the head of a GGUF file.
///
/// Values are read from the mapped file when they are asked for; only their places are kept. The accessors throw a
/// `FormatError` that names the key when a value is missing or of another type.
public struct GGUFMetadata: Sendable {
    private let store: any ByteStore
    private let values: NameTable<GGUFValue>

    init(_ reader: inout GGUFReader, count: Int) throws(FormatError) {
        var values = NameTable<GGUFValue>()
        for _ in 0..<count {
            let key = try reader.string("a key")
            guard values.set(key, try reader.value(key)) else { throw reader.malformed("holds the key \(key) twice") }
        }
        self.values = values
        store = reader.store
    }

    /// The file's name.
    public var location: String { store.location }

    /// All keys, in the order of the file.
    public var keys: [String] { values.names }

    /// Whether a key is there.
    public func has(_ key: String) -> Bool { values[key] != nil }

    // MARK: Values that must be there

    /// An integer of any width.
    public func int(_ key: String) throws(FormatError) -> Int { try present(key, optionalInt(key)) }
    /// A number: a float or an integer of any width.
    public func double(_ key: String) throws(FormatError) -> Double { try present(key, optionalDouble(key)) }
    /// A boolean, stored as the byte 0 or 1.
    public func bool(_ key: String) throws(FormatError) -> Bool { try present(key, optionalBool(key)) }
    /// A string in UTF-8.
    public func string(_ key: String) throws(FormatError) -> String { try present(key, optionalString(key)) }
    /// An array of strings, which need not be UTF-8.
    public func strings(_ key: String) throws(FormatError) -> GGUFStrings { try present(key, optionalStrings(key)) }
    /// An array of integers of any width.
    public func ints(_ key: String) throws(FormatError) -> [Int] { try present(key, optionalInts(key)) }
    /// An array of numbers: floats or integers of any width.
    public func floats(_ key: String) throws(FormatError) -> [Float] { try present(key, optionalFloats(key)) }
    /// An array of booleans, each stored as the byte 0 or 1.
    public func bools(_ key: String) throws(FormatError) -> [Bool] { try present(key, optionalBools(key)) }

    // MARK: Values that may be absent

    /// An integer of any width.
    public func optionalInt(_ key: String) throws(FormatError) -> Int? {
        guard let value = values[key] else { return nil }
        guard case .scalar(let type, let offset) = value, let integer = integer(type, at: offset) else {
            throw expected("an integer", key)
        }
        return integer
    }

    /// A number: a float or an integer of any width.
    public func optionalDouble(_ key: String) throws(FormatError) -> Double? {
        guard let value = values[key] else { return nil }
        guard case .scalar(let type, let offset) = value, let number = number(type, at: offset) else {
            throw expected("a number", key)
        }
        return number
    }

    /// A boolean, stored as the byte 0 or 1.
    public func optionalBool(_ key: String) throws(FormatError) -> Bool? {
        guard let value = values[key] else { return nil }
        guard case .scalar(.bool, let offset) = value, let bool = bool(at: offset) else {
            throw expected("a boolean (0 or 1)", key)
        }
        return bool
    }

    /// A string in UTF-8.
    public func optionalString(_ key: String) throws(FormatError) -> String? {
        guard let value = values[key] else { return nil }
        guard case .string(let range) = value, let string = String(validating: store.bytes[range], as: UTF8.self) else {
            throw expected("a string in UTF-8", key)
        }
        return string
    }

    /// An array of strings, which need not be UTF-8.
    public func optionalStrings(_ key: String) throws(FormatError) -> GGUFStrings? {
        guard let array = try array(key) else { return nil }
        guard array.elementType == .string else { throw expected("an array of strings", key) }
        return try GGUFStrings(array, in: store)
    }

    /// An array of integers of any width.
    public func optionalInts(_ key: String) throws(FormatError) -> [Int]? {
        try optionalNumbers(key, "an array of integers", integer)
    }

    /// An array of numbers: floats or integers of any width.
    public func optionalFloats(_ key: String) throws(FormatError) -> [Float]? {
        try optionalNumbers(key, "an array of numbers") { type, offset in number(type, at: offset).map { Float($0) } }
    }

    /// An array of booleans, each stored as the byte 0 or 1.
    public func optionalBools(_ key: String) throws(FormatError) -> [Bool]? {
        try optionalNumbers(key, "an array of booleans (0 or 1)") { type, offset in
            type == .bool ? bool(at: offset) : nil
        }
    }

    /// An array of arrays of integers of any width.
    public func optionalNestedInts(_ key: String) throws(FormatError) -> [[Int]]? {
        let expectation = "an array of arrays of integers"
        guard let outer = try array(key) else { return nil }
        guard outer.elementType == .array else { throw expected(expectation, key) }
        var reader = GGUFReader(store, at: outer.range.lowerBound)
        var result: [[Int]] = []
        for _ in 0..<outer.count {
            result.append(try elements(of: reader.nestedArray(key), key, expectation, integer))
        }
        return result
    }

    // MARK: Reading

    private func present<Value>(_ key: String, _ value: Value?) throws(FormatError) -> Value {
        guard let value else { throw FormatError(.missing, location, "the metadata key \(key) is missing") }
        return value
    }

    private func array(_ key: String) throws(FormatError) -> GGUFArray? {
        guard let value = values[key] else { return nil }
        guard case .array(let array) = value else { throw expected("an array", key) }
        return array
    }

    private func optionalNumbers<Element>(
        _ key: String, _ expectation: String, _ read: (GGUFValueType, Int) -> Element?
    ) throws(FormatError) -> [Element]? {
        guard let array = try array(key) else { return nil }
        return try elements(of: array, key, expectation, read)
    }

    private func elements<Element>(
        of array: GGUFArray, _ key: String, _ expectation: String, _ read: (GGUFValueType, Int) -> Element?
    ) throws(FormatError) -> [Element] {
        guard let size = array.elementType.size else { throw expected(expectation, key) }
        var result: [Element] = []
        result.reserveCapacity(array.count)
        for offset in stride(from: array.range.lowerBound, to: array.range.upperBound, by: size) {
            guard let element = read(array.elementType, offset) else { throw expected(expectation, key) }
            result.append(element)
        }
        return result
    }

    private func integer(_ type: GGUFValueType, at offset: Int) -> Int? {
        switch type {
        case .uint8: Int(load(offset, UInt8.self))
        case .int8: Int(load(offset, Int8.self))
        case .uint16: Int(load(offset, UInt16.self))
        case .int16: Int(load(offset, Int16.self))
        case .uint32: Int(load(offset, UInt32.self))
        case .int32: Int(load(offset, Int32.self))
        case .uint64: Int(exactly: load(offset, UInt64.self))
        case .int64: Int(load(offset, Int64.self))
        case .float32, .float64, .bool, .string, .array: nil
        }
    }

    private func number(_ type: GGUFValueType, at offset: Int) -> Double? {
        switch type {
        case .float32: Double(Float(bitPattern: load(offset, UInt32.self)))
        case .float64: Double(bitPattern: load(offset, UInt64.self))
        default: integer(type, at: offset).map(Double.init)
        }
    }

    private func bool(at offset: Int) -> Bool? {
        switch store.bytes[offset] {
        case 0: false
        case 1: true
        default: nil
        }
    }

    private func load<Integer: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Integer.Type) -> Integer {
        Integer(littleEndian: store.bytes.loadUnaligned(fromByteOffset: offset, as: Integer.self))
    }

    /// An error about a key: the sentence says, after "must be", what was expected.
    public func expected(_ expectation: String, _ key: String) -> FormatError {
        FormatError(.mismatch, location, "the metadata key \(key) must be \(expectation)")
    }
}
