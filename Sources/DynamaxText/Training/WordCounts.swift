/// How often each word of a text occurs: the words as byte strings, numbered in the order in which they were first seen.
///
/// A hash table that grows while it is filled, unlike `PieceIndex`: slots hold numbers of words, probing is linear, and at
/// most half of them are taken.
struct WordCounts {
    private(set) var words = ByteStrings()
    private(set) var counts: [Int] = []
    private var slots: [UInt64] = Array(repeating: 0, count: 1 << 12)  // upper half of the hash, then number + 1

    /// Counts a word once more.
    mutating func add(_ word: Span<UInt8>) {
        let hash = WordCounts.hash(word)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            if (slots[slot] ^ hash) >> 32 == 0 {
                let number = Int(UInt32(truncatingIfNeeded: slots[slot])) - 1
                if equals(number, word) {
                    counts[number] += 1
                    return
                }
            }
            slot = (slot + 1) & mask
        }
        words.append(word)
        counts.append(1)
        slots[slot] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(counts.count)
        if counts.count * 2 > slots.count { slots = WordCounts.slots(of: words, count: slots.count * 2) }
    }

    private func equals(_ number: Int, _ word: Span<UInt8>) -> Bool {
        let range = words.range(number)
        guard range.count == word.count else { return false }
        let buffer = words.buffer.span
        for i in word.indices where buffer[range.lowerBound + i] != word[i] { return false }
        return true
    }

    private static func slots(of words: ByteStrings, count: Int) -> [UInt64] {
        var slots = [UInt64](repeating: 0, count: count)
        let buffer = words.buffer.span
        for number in 0..<words.count {
            let hash = hash(buffer.extracting(words.range(number)))
            var slot = Int(truncatingIfNeeded: hash) & (count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (count - 1) }
            slots[slot] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(number + 1)
        }
        return slots
    }

    /// FNV-1a with a final mix: words are short.
    @inline(__always) private static func hash(_ word: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for i in word.indices { hash = (hash ^ UInt64(word[i])) &* 0x100_0000_01B3 }
        hash ^= hash >> 32
        return hash &* 0xD6E8_FEB8_6659_FD93
    }
}
