/// A value of a JSON file that knows where it stands, so that each complaint about it can say so.
///
///     let config = try JSONNode(contentsOf: "model/config.json")
///     let width = try config.int("hidden_size")
///     let theta = try config.optionalDouble("rope_theta") ?? 10_000
///
/// A key whose value is null counts as absent.
public struct JSONNode: Sendable {
    /// The value itself.
    public let value: JSON
    /// The file's name.
    public let location: String
    /// Keys and indices from the root, as in `rope_scaling.factor` or `eos_token_id[1]`; empty at the root.
    public let path: String

    /// Takes a value that was read from a file named `location`.
    public init(_ value: JSON, location: String, path: String = "") {
        self.value = value
        self.location = location
        self.path = path
    }

    /// Reads a file.
    public init(contentsOf file: String) throws(FormatError) {
        let map = try MappedFile(file)
        let value = try withExtendedLifetime(map) { () throws(FormatError) in
            try JSON(parsing: map.bytes, name: file)
        }
        self.init(value, location: file)
    }

    // MARK: Descending

    /// The value of a key, or nil where it is absent or null, or where this is no object.
    public subscript(key: String) -> JSONNode? {
        switch value[key] {
        case nil, .null: nil
        case .some(let value): JSONNode(value, location: location, path: path.isEmpty ? key : "\(path).\(key)")
        }
    }

    /// The value of a key that must be there.
    public func node(_ key: String) throws(FormatError) -> JSONNode {
        guard case .object = value else { throw expected("an object") }
        guard let node = self[key] else {
            throw FormatError(.missing, location, "the field \(path.isEmpty ? key : "\(path).\(key)") is missing")
        }
        return node
    }

    // MARK: This value

    /// This value as an integer; a number such as 4096.0 is one too.
    public func int() throws(FormatError) -> Int {
        switch value {
        case .integer(let integer): return integer
        case .number(let number) where abs(number) <= 0x1p53 && number == number.rounded(): return Int(number)
        default: throw expected("an integer")
        }
    }

    /// This value as a number; `{"__float__": "Infinity"}` is one too, with `-Infinity` and `NaN`.
    public func double() throws(FormatError) -> Double {
        switch value {
        case .integer(let integer): return Double(integer)
        case .number(let number): return number
        case .object(let object):
            guard object.count == 1, case .string(let spelling)? = object["__float__"] else { break }
            switch spelling {
            case "Infinity": return .infinity
            case "-Infinity": return -.infinity
            case "NaN": return .nan
            default: break
            }
        default: break
        }
        throw expected("a number")
    }

    /// This value as a string.
    public func string() throws(FormatError) -> String {
        guard case .string(let string) = value else { throw expected("a string") }
        return string
    }

    /// This value as a boolean.
    public func bool() throws(FormatError) -> Bool {
        guard case .bool(let bool) = value else { throw expected("true or false") }
        return bool
    }

    /// This value as an array.
    public func array() throws(FormatError) -> [JSONNode] {
        guard case .array(let values) = value else { throw expected("an array") }
        return values.enumerated().map { JSONNode($1, location: location, path: "\(path)[\($0)]") }
    }

    /// This value as an object.
    public func object() throws(FormatError) -> JSONObject {
        guard case .object(let object) = value else { throw expected("an object") }
        return object
    }

    // MARK: Fields that must be there

    /// An integer.
    public func int(_ key: String) throws(FormatError) -> Int { try node(key).int() }
    /// A number.
    public func double(_ key: String) throws(FormatError) -> Double { try node(key).double() }
    /// A string.
    public func string(_ key: String) throws(FormatError) -> String { try node(key).string() }
    /// A boolean.
    public func bool(_ key: String) throws(FormatError) -> Bool { try node(key).bool() }
    /// An array.
    public func array(_ key: String) throws(FormatError) -> [JSONNode] { try node(key).array() }
    /// An object.
    public func object(_ key: String) throws(FormatError) -> JSONObject { try node(key).object() }

    // MARK: Fields that may be absent

    /// An integer, or nil.
    public func optionalInt(_ key: String) throws(FormatError) -> Int? { try self[key]?.int() }
    /// A number, or nil.
    public func optionalDouble(_ key: String) throws(FormatError) -> Double? { try self[key]?.double() }
    /// A string, or nil.
    public func optionalString(_ key: String) throws(FormatError) -> String? { try self[key]?.string() }
    /// A boolean, or nil.
    public func optionalBool(_ key: String) throws(FormatError) -> Bool? { try self[key]?.bool() }
    /// An array, or nil.
    public func optionalArray(_ key: String) throws(FormatError) -> [JSONNode]? { try self[key]?.array() }
    /// An object, or nil.
    public func optionalObject(_ key: String) throws(FormatError) -> JSONObject? { try self[key]?.object() }

    // MARK: Complaints

    /// An error about this value: the sentence says its path and, after "must be", what was expected.
    public func expected(_ expectation: String) -> FormatError {
        let subject = path.isEmpty ? "the file" : "the field \(path)"
        return FormatError(.mismatch, location, "\(subject) must be \(expectation), not \(value.excerpt)")
    }
}

extension JSON {
    /// The value where it is short, else its kind.
    fileprivate var excerpt: String {
        switch self {
        case .null: "null"
        case .bool(let bool): "\(bool)"
        case .integer(let integer): "\(integer)"
        case .number(let number): "\(number)"
        case .string(let string) where string.utf8.count <= 40: "\"\(string)\""
        case .string, .array, .object: kind
        }
    }
}
