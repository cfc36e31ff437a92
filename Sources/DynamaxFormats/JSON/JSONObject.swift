/// The keys and values of a JSON object, in the order of the file.
///
/// Keys are equal when their bytes are, unlike `String`s. Looking one up takes constant time.
public struct JSONObject: Sendable, RandomAccessCollection, ExpressibleByDictionaryLiteral {
    private var table = NameTable<JSON>()

    /// Makes an object without keys.
    public init() {}

    /// Makes an object of keys and values; the last of equal keys wins.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        for (key, value) in elements { set(key, value) }
    }

    /// The keys, in the order of the file.
    public var keys: [String] { table.names }
    /// The values, in the order of the keys.
    public var values: [JSON] { table.values }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of keys.
    public var endIndex: Int { table.names.count }
    /// A key and its value, by place in the file.
    public subscript(position: Int) -> (key: String, value: JSON) { (table.names[position], table.values[position]) }

    /// The value of a key, or nil.
    public subscript(key: String) -> JSON? { table[key] }

    /// Sets the value of a key; a new key comes last.
    public mutating func set(_ key: String, _ value: JSON) {
        table.set(key, value)
    }
}
