/// The symbols of all words in one buffer. Words only become shorter.
struct LearnedWords {
    var symbols: [UInt32] = []
    var starts: [Int] = []
    var lengths: [Int] = []
    var counts: [Int] = []

    var indices: Range<Int> { counts.indices }

    mutating func append(_ word: [UInt32], count: Int) {
        starts.append(symbols.count)
        lengths.append(word.count)
        counts.append(count)
        symbols += word
    }

    /// The places of the left symbols of a word's pairs.
    func pairs(of word: Int) -> Range<Int> { starts[word]..<starts[word] + lengths[word] - 1 }
}

/// For each pair of symbols, how often it occurs and the words that may hold it.
struct PairTable {
    private(set) var keys: [UInt64] = []
    var counts: [Int] = []
    private var words: [[Int32]] = []
    private var slots = IntegerMap()

    mutating func slot(of left: UInt32, _ right: UInt32) -> Int {
        let key = UInt64(left) << 32 | UInt64(right)
        if let slot = slots[key] { return Int(slot) }
        slots.set(key, UInt64(keys.count))
        keys.append(key)
        counts.append(0)
        words.append([])
        return keys.count - 1
    }

    /// Notes that a word holds the pair; words come one after the other, so equal ones are neighbours.
    mutating func add(word: Int, to slot: Int) {
        if words[slot].last != Int32(word) { words[slot].append(Int32(word)) }
    }

    mutating func takeWords(of slot: Int) -> [Int32] {
        defer { words[slot] = [] }
        return words[slot]
    }
}

/// A binary heap whose first entry has the highest count, and of those the smallest pair.
struct PairHeap {
    struct Entry {
        let count: Int
        let pair: UInt64
        let slot: Int32

        static func precedes(_ a: Entry, _ b: Entry) -> Bool {
            a.count != b.count ? a.count > b.count : a.pair < b.pair
        }
    }

    private var entries: [Entry] = []

    mutating func push(_ entry: Entry) {
        guard entry.count > 0 else { return }
        entries.append(entry)
        var place = entries.count - 1
        while place > 0, Entry.precedes(entry, entries[(place - 1) / 2]) {
            entries[place] = entries[(place - 1) / 2]
            place = (place - 1) / 2
        }
        entries[place] = entry
    }

    mutating func pop() -> Entry? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        guard !entries.isEmpty else { return first }
        var place = 0
        while place * 2 + 1 < entries.count {
            var child = place * 2 + 1
            if child + 1 < entries.count, Entry.precedes(entries[child + 1], entries[child]) { child += 1 }
            if !Entry.precedes(entries[child], last) { break }
            entries[place] = entries[child]
            place = child
        }
        entries[place] = last
        return first
    }
}
