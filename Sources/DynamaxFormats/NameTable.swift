/// Values by name, in the order of a file.
///
/// Names are equal when their bytes are, unlike `String`s, for which two spellings of an accent are one. Finding a
/// value takes constant time. Hashes are those of the standard library, which are seeded for each process: a file cannot be
/// made to collide.
struct NameTable<Value: Sendable>: Sendable {
    private(set) var names: [String] = []
    private(set) var values: [Value] = []
    // Open addressing, at most half full: 32 bits of the hash, then place + 1, or 0 where free. Empty while `names` are few.
    private var slots: [UInt64] = []

    private static var searched: Int { 8 }

    /// The value of a name, or nil.
    subscript(name: String) -> Value? { find(name, tag: tag(name)).map { values[$0] } }

    /// Adds a value; false where the name is known, whose value is then replaced in its place.
    @discardableResult
    mutating func set(_ name: String, _ value: Value) -> Bool {
        let tag = tag(name)
        if let place = find(name, tag: tag) {
            values[place] = value
            return false
        }
        names.append(name)
        values.append(value)
        if names.count * 2 > slots.count { grow() }
        if !slots.isEmpty { insert(tag << 32 | UInt64(names.count)) }
        return true
    }

    private func find(_ name: String, tag: UInt64) -> Int? {
        if slots.isEmpty { return names.firstIndex { NameTable.equal($0, name) } }
        let mask = slots.count - 1
        var slot = Int(tag) & mask
        while slots[slot] != 0 {
            if slots[slot] >> 32 == tag {
                let place = Int(slots[slot] & 0xFFFF_FFFF) - 1
                if NameTable.equal(names[place], name) { return place }
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Makes room for the last name, without inserting it.
    private mutating func grow() {
        if slots.isEmpty {
            guard names.count > NameTable.searched else { return }
            slots = Array(repeating: 0, count: 64)
            for place in 0..<names.count - 1 { insert(tag(names[place]) << 32 | UInt64(place + 1)) }
        } else {
            let old = slots
            slots = Array(repeating: 0, count: old.count * 2)
            for entry in old where entry != 0 { insert(entry) }
        }
    }

    private mutating func insert(_ entry: UInt64) {
        let mask = slots.count - 1
        var slot = Int(entry >> 32) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = entry
    }

    /// The lower half of the name's hash; 0 while names are searched.
    private func tag(_ name: String) -> UInt64 {
        if names.count < NameTable.searched { return 0 }
        var hasher = Hasher()
        var name = name
        name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        return UInt64(UInt32(truncatingIfNeeded: hasher.finalize()))
    }

    private static func equal(_ a: String, _ b: String) -> Bool {
        guard a.utf8.count == b.utf8.count else { return false }
        var (a, b) = (a, b)
        return a.withUTF8 { a in b.withUTF8 { b in a.elementsEqual(b) } }
    }
}
