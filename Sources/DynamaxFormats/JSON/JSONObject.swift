/// The keys and values of a JSON object, in the order of the file.
///
/// Keys are equal when their bytes are, unlike `String`s. Looking one up takes constant time.
public struct JSONObject: Sendable, RandomAccessCollection {
    /// The keys, in the order of the file.
    public let keys: [String]
    /// The values, in the order of the keys.
    public let values: [JSON]
    private let index: KeyIndex

    init(keys: [String], values: [JSON], index: KeyIndex) {
        self.keys = keys
        self.values = values
        self.index = index
    }

    /// Makes an object of pairs; the last of equal keys wins.
    public init(_ pairs: [(key: String, value: JSON)]) {
        var builder = Builder()
        for (key, value) in pairs { builder.set(key, value) }
        self = builder.object
    }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of keys.
    public var endIndex: Int { keys.count }
    /// A key and its value, by place in the file.
    public subscript(position: Int) -> (key: String, value: JSON) { (keys[position], values[position]) }

    /// The value of a key, or nil.
    public subscript(key: String) -> JSON? {
        index.find(key, in: keys).map { values[$0] }
    }

    /// Collects the pairs of an object.
    struct Builder {
        private var keys: [String] = []
        private var values: [JSON] = []
        private var index = KeyIndex()

        var object: JSONObject { JSONObject(keys: keys, values: values, index: index) }

        mutating func set(_ key: String, _ value: JSON) {
            if let known = index.find(key, in: keys) {
                values[known] = value
            } else {
                keys.append(key)
                values.append(value)
                index.appended(to: keys)
            }
        }
    }
}

/// A hash table from keys to their places, by bytes.
///
/// Up to a few keys it stays empty and the keys are searched.
/// Hashes are those of the standard library, which are seeded for each process: a file cannot be made to collide.
struct KeyIndex: Sendable {
    private static let searched = 8
    private var slots: [Int32] = []  // place + 1, or 0 where free; open addressing, at most half full

    func find(_ key: String, in keys: [String]) -> Int? {
        if slots.isEmpty { return keys.firstIndex { KeyIndex.equal($0, key) } }
        var slot = KeyIndex.hash(key) & (slots.count - 1)
        while slots[slot] != 0 {
            let place = Int(slots[slot]) - 1
            if KeyIndex.equal(keys[place], key) { return place }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Takes note of the last key, which must be new.
    mutating func appended(to keys: [String]) {
        guard keys.count > KeyIndex.searched else { return }
        if keys.count * 2 > slots.count {
            slots = Array(repeating: 0, count: max(64, slots.count * 2))
            for place in keys.indices { insert(keys[place], at: place) }
        } else {
            insert(keys[keys.count - 1], at: keys.count - 1)
        }
    }

    private mutating func insert(_ key: String, at place: Int) {
        var slot = KeyIndex.hash(key) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(place + 1)
    }

    private static func hash(_ key: String) -> Int {
        var hasher = Hasher()
        var key = key
        key.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        return hasher.finalize()
    }

    private static func equal(_ a: String, _ b: String) -> Bool {
        // Equal counts of bytes first: cheap, and different for most keys.
        guard a.utf8.count == b.utf8.count else { return false }
        return a.utf8.elementsEqual(b.utf8)
    }
}
