/// Finds the number of a byte string among those of a vocabulary.
///
/// Bytes, never `String`s: Swift strings are equal when they are canonically equivalent, and vocabularies hold "é" both as
/// one scalar and as two. A slot keeps 32 bits of the hash next to the number, so that a string is compared only with the
/// one it is almost certainly equal to.
struct PieceIndex: Sendable {
    private static let seed = UInt64.random(in: .min ... .max)

    let strings: ByteStrings
    private var slots: [UInt64]  // upper half of the hash, then number + 1; 0 where free
    private let mask: Int
    private let seed = PieceIndex.seed

    /// Indexes strings; of equal ones the last is found, and empty ones never are.
    init(_ strings: ByteStrings) {
        self.strings = strings
        let bits = Int.bitWidth - max(4, strings.count).leadingZeroBitCount + 1
        slots = Array(repeating: 0, count: 1 << bits)
        mask = (1 << bits) - 1
        let buffer = strings.buffer.span
        for number in 0..<strings.count {
            let range = strings.range(number)
            if !range.isEmpty { insert(buffer.extracting(range), UInt32(number)) }
        }
    }

    private mutating func insert(_ bytes: Span<UInt8>, _ number: UInt32) {
        let hash = hash(bytes)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0, !matches(slots[slot], hash, bytes) { slot = (slot + 1) & mask }
        slots[slot] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(number + 1)
    }

    /// The number of a string, or nil.
    @inline(__always) func number(of bytes: Span<UInt8>) -> Int? {
        let hash = hash(bytes)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let found = slots[slot]
            if found == 0 { return nil }
            if matches(found, hash, bytes) { return Int(UInt32(truncatingIfNeeded: found)) - 1 }
            slot = (slot + 1) & mask
        }
    }

    @inline(__always) private func matches(_ slot: UInt64, _ hash: UInt64, _ bytes: Span<UInt8>) -> Bool {
        guard (slot ^ hash) >> 32 == 0 else { return false }
        let range = strings.range(Int(UInt32(truncatingIfNeeded: slot)) - 1)
        guard range.count == bytes.count else { return false }
        let buffer = strings.buffer.span
        for i in bytes.indices where buffer[range.lowerBound + i] != bytes[i] { return false }
        return true
    }

    /// Eight bytes at a time, each mixed by the two halves of a 128-bit product (as in wyhash).
    @inline(__always) private func hash(_ bytes: Span<UInt8>) -> UInt64 {
        let count = bytes.count
        let raw = bytes.bytes
        var state = seed ^ UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
        if count >= 8 {
            var i = 0
            while i + 8 < count {
                state = PieceIndex.mix(state ^ raw.unsafeLoadUnaligned(fromByteOffset: i, as: UInt64.self))
                i += 8
            }
            return PieceIndex.mix(state ^ raw.unsafeLoadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
        }
        var word: UInt64 = 0
        for i in 0..<count { word = word << 8 | UInt64(bytes[i]) }
        return PieceIndex.mix(state ^ word)
    }

    @inline(__always) private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }
}
