/// A hash table from 64-bit keys to 64-bit values that is filled once and then only read.
///
/// Merging asks millions of times for pairs that are mostly absent. Keys and values lie side by side, at most half of the
/// slots are taken, and probing is linear, so that nearly every answer costs one cache line. `Dictionary` takes four
/// times as long. `UInt64.max` cannot be a key.
struct IntegerMap: Sendable {
    private static let free = UInt64.max
    // An odd number that differs from process to process: no file can be made to let its keys collide.
    private static let multiplier = UInt64.random(in: .min ... .max) | 1

    private var slots: [UInt64]  // key, value, key, value, ...
    private var shift: UInt64
    private let multiplier = IntegerMap.multiplier
    private(set) var count = 0

    init(capacity: Int = 0) {
        let bits = max(3, Int.bitWidth - max(1, capacity).leadingZeroBitCount + 1)
        slots = Array(repeating: IntegerMap.free, count: 2 << bits)
        shift = UInt64(64 - bits)
    }

    /// The value of a key, or nil.
    subscript(key: UInt64) -> UInt64? {
        @inline(__always) get {
            let slots = slots.span
            var slot = Int(truncatingIfNeeded: (key &* multiplier) >> shift) * 2
            while true {
                let found = slots[slot]
                if found == key { return slots[slot + 1] }
                if found == IntegerMap.free { return nil }
                slot = (slot + 2) & (slots.count - 1)
            }
        }
    }

    /// Sets the value of a key; the last one stays.
    mutating func set(_ key: UInt64, _ value: UInt64) {
        if (count + 1) * 4 > slots.count { grow() }
        var slot = Int(truncatingIfNeeded: (key &* multiplier) >> shift) * 2
        while slots[slot] != IntegerMap.free && slots[slot] != key { slot = (slot + 2) & (slots.count - 1) }
        if slots[slot] == IntegerMap.free { count += 1 }
        slots[slot] = key
        slots[slot + 1] = value
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: IntegerMap.free, count: old.count * 2)
        shift -= 1
        count = 0
        for slot in stride(from: 0, to: old.count, by: 2) where old[slot] != IntegerMap.free {
            set(old[slot], old[slot + 1])
        }
    }
}
