/// Follows a text and says how its exits stand at each token.
struct Pacer: Sendable {
    private let pacing: Pacing
    private let layers: Int
    /// Tokens decided so far.
    private var written = 0
    private var score: ExitScore
    private var scores = Spread()

    init(_ policy: ExitPolicy, layers: Int) {
        pacing = policy.pacing
        score = policy.score
        self.layers = layers
    }

    /// The score, with the threshold of the next token.
    var present: ExitScore {
        guard let decay = pacing.decay, let threshold = score.threshold else { return score }
        return score.with(threshold: decay.threshold(threshold, at: written))
    }

    /// Layers after which the next token leaves whatever its score.
    var ceiling: Int? { pacing.ceiling?.depth(at: written) }

    /// Learns how deep a token went, and what scores it had on its way.
    ///
    /// To hold a mean depth, the threshold is moved in proportion to what the token took too much or too little. As thresholds have
    /// bounds, all that was too much adds up to a bounded number of layers, so the mean goes to the one asked for (the argument
    /// of Gibbs and Candès 2021, section 3, for coverage).
    mutating func record(layer: Int, scores seen: [Float]) {
        written += 1
        guard let target = pacing.meanDepth, let threshold = score.threshold else { return }
        for value in seen { scores.add(value) }
        let step = Float((Double(layer) - target) / Double(layers)) * max(scores.deviation, 1e-4)
        let moved = threshold + (score.kind?.largerIsSurer == true ? -step : step)
        score = score.with(threshold: min(max(moved, scores.least), scores.most))
    }

    /// Mean, deviation and bounds of numbers.
    private struct Spread: Sendable {
        private var (count, mean, squares) = (Float(0), Float(0), Float(0))
        private(set) var least = Float.infinity
        private(set) var most = -Float.infinity

        var deviation: Float { count > 1 ? (squares / (count - 1)).squareRoot() : 0.1 }

        mutating func add(_ value: Float) {
            guard value.isFinite else { return }
            count += 1
            let gap = value - mean
            mean += gap / count
            squares += gap * (value - mean)
            // Thresholds just beyond all scores let every row leave, or none.
            least = min(least, value.nextDown)
            most = max(most, value.nextUp)
        }
    }
}
