/// Joins neighbouring symbols, the pair of lowest rank first and of equal ones the leftmost, until no pair is known.
///
/// This is the one core of byte-pair encoding: with merges (rank = line of the merge) and in the manner of SentencePiece
/// (rank = place of the joined piece among all scores, so that ranks can be equal).
struct PairMerger: Sendable {
    private var pairs: IntegerMap  // left << 32 | right to rank << 32 | joined symbol

    init(capacity: Int = 0) { pairs = IntegerMap(capacity: capacity) }

    /// What a symbol of a text is while it is merged: none that a pair could be made of.
    static let unknown = UInt32.max

    /// Words of up to this many symbols are searched from end to end for each merge; longer ones use a heap. Measured on
    /// English text and code; the two ways meet between 30 and 100 symbols.
    private static let longestScanned = 48

    /// Whether a pair is known.
    func has(_ left: UInt32, _ right: UInt32) -> Bool { pairs[UInt64(left) << 32 | UInt64(right)] != nil }

    /// Makes a pair known; the last of equal pairs stays.
    mutating func set(_ left: UInt32, _ right: UInt32, rank: UInt32, joined: UInt32) {
        pairs.set(UInt64(left) << 32 | UInt64(right), UInt64(rank) << 32 | UInt64(joined))
    }

    private static let absent = UInt64.max

    @inline(__always) private func pair(_ left: UInt32, _ right: UInt32) -> UInt64 {
        pairs[UInt64(left) << 32 | UInt64(right)] ?? PairMerger.absent
    }

    /// What the heap is ordered by: the rank, then the place.
    @inline(__always) private func entry(_ pair: UInt64, _ place: Int) -> UInt64 {
        pair & 0xFFFF_FFFF_0000_0000 | UInt64(UInt32(truncatingIfNeeded: place))
    }

    /// Memory that is used again for each word.
    struct Workspace {
        fileprivate var pairs: [UInt64] = []
    }

    /// Merges the symbols from `start` to the end of an array in place.
    func merge(_ symbols: inout [UInt32], from start: Int, _ workspace: inout Workspace) {
        let count = symbols.count - start
        if count < 2 { return }
        let left =
            count <= PairMerger.longestScanned
            ? mergeByScanning(&symbols, from: start, &workspace) : mergeByHeap(&symbols, from: start)
        symbols.removeLast(count - left)
    }

    private func mergeByScanning(_ symbols: inout [UInt32], from start: Int, _ workspace: inout Workspace) -> Int {
        var count = symbols.count - start
        if workspace.pairs.count < PairMerger.longestScanned {
            workspace.pairs = Array(repeating: 0, count: PairMerger.longestScanned)
        }
        var symbols = symbols.mutableSpan
        var pairs = workspace.pairs.mutableSpan
        for i in 0..<count - 1 { pairs[i] = pair(symbols[start + i], symbols[start + i + 1]) }
        while count > 1 {
            var best = PairMerger.absent
            var place = 0
            for i in 0..<count - 1 where pairs[i] >> 32 < best >> 32 {
                best = pairs[i]
                place = i
            }
            if best == PairMerger.absent { break }
            symbols[start + place] = UInt32(truncatingIfNeeded: best)
            count -= 1
            for i in place + 1..<max(place + 1, count) {
                symbols[start + i] = symbols[start + i + 1]
                pairs[i - 1] = pairs[i]
            }
            if place > 0 { pairs[place - 1] = pair(symbols[start + place - 1], symbols[start + place]) }
            if place + 1 < count { pairs[place] = pair(symbols[start + place], symbols[start + place + 1]) }
        }
        return count
    }

    private func mergeByHeap(_ symbols: inout [UInt32], from start: Int) -> Int {
        let count = symbols.count - start
        let end = UInt32(truncatingIfNeeded: count)
        // Long words are rare: their memory is not worth keeping.
        var nextPlaces = (1...end).map { $0 }
        var previousPlaces = (0..<end).map { $0 &- 1 }
        var pairsByPlace = [UInt64](repeating: PairMerger.absent, count: count)
        var heap: [UInt64] = []
        heap.reserveCapacity(count)
        var symbols = symbols.mutableSpan
        var next = nextPlaces.mutableSpan
        var previous = previousPlaces.mutableSpan
        var pairs = pairsByPlace.mutableSpan  // of each symbol with its right neighbour
        for i in 0..<count {
            if i + 1 < count { pairs[i] = pair(symbols[start + i], symbols[start + i + 1]) }
            if pairs[i] != PairMerger.absent { heap.append(entry(pairs[i], i)) }
        }
        heap.makeHeap()
        while let least = heap.popLeast() {
            let place = Int(UInt32(truncatingIfNeeded: least))
            // An entry is out of date when the pair at its place has another rank by now, or none.
            guard pairs[place] >> 32 == least >> 32, pairs[place] != PairMerger.absent else { continue }
            let joined = UInt32(truncatingIfNeeded: pairs[place])
            symbols[start + place] = joined
            let gone = Int(next[place])
            pairs[gone] = PairMerger.absent
            next[place] = next[gone]
            pairs[place] = PairMerger.absent
            if next[place] < end {
                previous[Int(next[place])] = UInt32(truncatingIfNeeded: place)
                pairs[place] = pair(joined, symbols[start + Int(next[place])])
                if pairs[place] != PairMerger.absent {
                    heap.push(entry(pairs[place], place))
                }
            }
            if place > 0 {
                let before = Int(previous[place])
                pairs[before] = pair(symbols[start + before], joined)
                if pairs[before] != PairMerger.absent {
                    heap.push(entry(pairs[before], before))
                }
            }
        }
        var left = 0
        var place: UInt32 = 0
        while place < end {
            symbols[start + left] = symbols[start + Int(place)]
            left += 1
            place = next[Int(place)]
        }
        return left
    }
}

/// A binary heap whose least element is first.
extension [UInt64] {
    fileprivate mutating func makeHeap() {
        for i in stride(from: count / 2 - 1, through: 0, by: -1) { sink(i) }
    }

    fileprivate mutating func push(_ value: UInt64) {
        append(value)
        var place = count - 1
        var heap = mutableSpan
        while place > 0, heap[(place - 1) / 2] > value {
            heap[place] = heap[(place - 1) / 2]
            place = (place - 1) / 2
        }
        heap[place] = value
    }

    fileprivate mutating func popLeast() -> UInt64? {
        guard let least = first else { return nil }
        let last = removeLast()
        if !isEmpty {
            self[0] = last
            sink(0)
        }
        return least
    }

    private mutating func sink(_ start: Int) {
        var heap = mutableSpan
        let value = heap[start]
        var place = start
        while place * 2 + 1 < heap.count {
            var child = place * 2 + 1
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            if heap[child] >= value { break }
            heap[place] = heap[child]
            place = child
        }
        heap[place] = value
    }
}
