/// After how many layers tokens were decided, in all and by their place in the answer.
public struct ExitDepths: Hashable, Sendable {
    /// A range of places; those of a choice count from its own beginning, those of a text from the token after its first, which the
    /// prompt's pass decides.
    public struct Bucket: Hashable, Sendable {
        public let places: ClosedRange<Int>
        /// Tokens by layer.
        public internal(set) var counts: [Int: Int] = [:]

        /// As in `0`, `1`, `2–3`, `4–7`.
        public var name: String {
            places.count == 1 ? "\(places.lowerBound)" : "\(places.lowerBound)–\(places.upperBound)"
        }
    }

    /// Tokens by layer.
    public private(set) var counts: [Int: Int] = [:]
    /// Each twice as wide as the one before; those that no answer reaches are missing at the end.
    public private(set) var buckets: [Bucket] = []

    /// No tokens.
    public init() {}

    /// Adds the tokens of an answer.
    public mutating func add(_ tokens: some Collection<RunRow.TokenRecord>) {
        var (place, choice) = (0, tokens.first?.choice)
        for token in tokens {
            if token.choice != choice { (place, choice) = (0, token.choice) }
            counts[token.layer, default: 0] += 1
            let bucket = place == 0 ? 0 : Int.bitWidth - place.leadingZeroBitCount
            while buckets.count <= bucket {
                let start = buckets.isEmpty ? 0 : 1 << (buckets.count - 1)
                buckets.append(Bucket(places: start...max(2 * start - 1, 0)))
            }
            buckets[bucket].counts[token.layer, default: 0] += 1
            place += 1
        }
    }

    /// Adds the tokens of other answers.
    public mutating func add(_ other: ExitDepths) {
        counts.merge(other.counts, uniquingKeysWith: +)
        for (index, bucket) in other.buckets.enumerated() {
            if index == buckets.count { buckets.append(Bucket(places: bucket.places)) }
            buckets[index].counts.merge(bucket.counts, uniquingKeysWith: +)
        }
    }

    public var tokens: Int { ExitDepths.total(counts) }

    static func total(_ counts: [Int: Int]) -> Int { counts.values.reduce(0, +) }

    /// Mean layers of a token; not a number of none.
    static func mean(_ counts: [Int: Int]) -> Double {
        counts.reduce(0) { $0 + Double($1.key) * Double($1.value) } / Double(total(counts))
    }
}
