/// Learns the merges of byte-pair encoding: time after time, the pair of neighbouring symbols that occurs most often
/// becomes one symbol (Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units").
///
/// Of pairs that occur equally often, the one whose left symbol has the smaller number is taken, then the one whose right
/// symbol has: the rule of `tokenizers`, so that both learn the same merges. Counts are kept up to date merge by merge: only
/// words that hold the merged pair are visited, and a heap finds the next pair. Its entries may be out of date; they
/// are put back with their true count when they come up.
struct MergeLearner {
    /// Two symbols and what they become.
    struct Merge: Hashable {
        let left: UInt32
        let right: UInt32
        let joined: UInt32
    }

    /// The bytes of each symbol.
    private(set) var pieces: [[UInt8]]
    private(set) var merges: [Merge] = []

    private var numbers: [[UInt8]: UInt32] = [:]
    private var words = LearnedWords()
    private var pairs = PairTable()
    private var heap = PairHeap()
    private var changed: [Int32] = []

    /// - Parameter alphabet: the bytes of the first symbols. Equal ones must not occur.
    init(alphabet: [[UInt8]]) {
        pieces = alphabet
        for (number, piece) in alphabet.enumerated() { numbers[piece] = UInt32(number) }
    }

    /// Adds a word that occurs `count` times.
    mutating func add(_ symbols: [UInt32], count: Int) {
        guard symbols.count > 1 else { return }
        words.append(symbols, count: count)
    }

    /// Learns until there are `limit` symbols, or until no pair is left.
    ///
    /// - Parameters:
    ///   - minimumCount: pairs that occur less often are not merged.
    ///   - isAllowed: whether a piece of these bytes may be made.
    mutating func learn(upTo limit: Int, minimumCount: Int, isAllowed: ([UInt8]) -> Bool) {
        countPairs()
        while pieces.count < limit, let entry = heap.pop() {
            let count = pairs.counts[Int(entry.slot)]
            guard count >= max(1, minimumCount) else { continue }
            if count != entry.count {
                heap.push(PairHeap.Entry(count: count, pair: entry.pair, slot: entry.slot))
                continue
            }
            let (left, right) = (UInt32(entry.pair >> 32), UInt32(truncatingIfNeeded: entry.pair))
            let bytes = pieces[Int(left)] + pieces[Int(right)]
            guard isAllowed(bytes) else {
                pairs.counts[Int(entry.slot)] = 0
                continue
            }
            // Two ways may lead to the same bytes: then there is one more merge, but no more symbols.
            let joined = number(of: bytes)
            merges.append(Merge(left: left, right: right, joined: joined))
            apply(merges[merges.count - 1], slot: Int(entry.slot))
        }
    }

    private mutating func number(of bytes: [UInt8]) -> UInt32 {
        if let known = numbers[bytes] { return known }
        let number = UInt32(pieces.count)
        pieces.append(bytes)
        numbers[bytes] = number
        return number
    }

    private mutating func countPairs() {
        for word in words.indices {
            for i in words.pairs(of: word) {
                let slot = pairs.slot(of: words.symbols[i], words.symbols[i + 1])
                pairs.counts[slot] += words.counts[word]
                pairs.add(word: word, to: slot)
            }
        }
        for slot in pairs.counts.indices { heap.push(entry(of: slot)) }
    }

    private func entry(of slot: Int) -> PairHeap.Entry {
        PairHeap.Entry(count: pairs.counts[slot], pair: pairs.keys[slot], slot: Int32(slot))
    }

    private mutating func apply(_ merge: Merge, slot: Int) {
        let holders = pairs.takeWords(of: slot)
        pairs.counts[slot] = 0
        changed.removeAll(keepingCapacity: true)
        for word in holders { apply(merge, to: Int(word)) }
        for slot in Set(changed).sorted() { heap.push(entry(of: Int(slot))) }
        pairs.counts[slot] = 0
    }

    private mutating func apply(_ merge: Merge, to word: Int) {
        let weight = words.counts[word]
        let start = words.starts[word]
        var end = start + words.lengths[word]
        var i = start
        while i + 1 < end {
            guard words.symbols[i] == merge.left, words.symbols[i + 1] == merge.right else {
                i += 1
                continue
            }
            if i > start {
                let before = words.symbols[i - 1]
                pairs.counts[pairs.slot(of: before, merge.left)] -= weight
                increase(before, merge.joined, word, weight)
            }
            if i + 2 < end {
                let after = words.symbols[i + 2]
                pairs.counts[pairs.slot(of: merge.right, after)] -= weight
                increase(merge.joined, after, word, weight)
            }
            words.symbols[i] = merge.joined
            end -= 1
            for k in i + 1..<max(i + 1, end) { words.symbols[k] = words.symbols[k + 1] }
            i += 1
        }
        words.lengths[word] = end - start
    }

    private mutating func increase(_ left: UInt32, _ right: UInt32, _ word: Int, _ weight: Int) {
        let slot = pairs.slot(of: left, right)
        pairs.counts[slot] += weight
        pairs.add(word: word, to: slot)
        changed.append(Int32(slot))
    }
}
