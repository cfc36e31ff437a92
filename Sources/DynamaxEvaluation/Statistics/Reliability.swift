/// Whether scores mean what they say: of the tokens that an exit is so sure of, the share that agrees with the full model
/// (reliability diagram and expected calibration error: Guo et al. 2017, section 2).
public struct Reliability: Hashable, Sendable {
    /// Scores of one range.
    public struct Bin: Hashable, Sendable {
        public var count: Int
        /// Mean score.
        public var confidence: Double
        /// Share that agrees.
        public var agreement: Double
    }

    /// Ranges of equal width over 0 ... 1 that have scores, ascending.
    public let bins: [Bin]
    public let count: Int

    /// Takes scores; those outside 0 ... 1 are not counted.
    public init(_ scores: [(score: Double, agrees: Bool)], bins number: Int = 10) {
        precondition(number > 0)
        let sound = scores.filter { (0...1).contains($0.score) }
        let groups = Dictionary(grouping: sound) { min(Int($0.score * Double(number)), number - 1) }
        bins = groups.sorted { $0.key < $1.key }.map { _, group in
            let size = Double(group.count)
            return Bin(
                count: group.count, confidence: group.reduce(0) { $0 + $1.score } / size,
                agreement: Double(group.count(where: \.agrees)) / size)
        }
        count = sound.count
    }

    /// The mean distance of agreement from confidence, each bin weighed by its scores.
    public var expectedCalibrationError: Double {
        bins.reduce(0) { $0 + Double($1.count) * abs($1.agreement - $1.confidence) } / Double(max(count, 1))
    }
}
