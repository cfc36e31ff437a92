import DynamaxDepth
import DynamaxLayers
import DynamaxModels
import DynamaxTensor

/// What one policy does on one task.
public struct RunCell: Hashable, Sendable {
    /// A figure of the task.
    public struct MetricFigure: Hashable, Sendable {
        public let metric: Metric
        public let value: Double
        /// In closed form, as lm-evaluation-harness has it, where there is one and items are independent of each other; else the
        /// deviation over resamples.
        public let standardError: Double?
        /// The figure less the full model's on the same items, resampled in pairs; nil for the full model itself.
        public let difference: Estimate?
    }

    /// How like the full model's own answers those of the policy are.
    public struct Likeness: Hashable, Sendable {
        /// The share of items with the same answer: the same text, or the same likeliest choice.
        public var same: Estimate
        /// Of texts: F1 of their tokens, and the F-measure of their longest common subsequence.
        public var tokenF1: Estimate?
        public var rougeL: Estimate?
        /// Of texts: the tokens before the first that differs, or all of them.
        public var firstDivergence: Estimate?
    }

    public let task: String
    public let policy: String
    public let isReference: Bool
    /// Items that were answered.
    public let items: Int
    /// Items of the task.
    public let expectedItems: Int
    /// Tokens that were written or whose likelihoods were asked for.
    public let tokens: Int
    /// Those that have scores, in the task's order.
    public let metrics: [MetricFigure]
    /// Layers of a token before it was decided; of a written text's tokens after the first, which the prompt's pass decides.
    public let depth: Estimate
    /// Bytes of weights and states, and multiply-adds, for each of the same tokens, prompts left out.
    public let bytes: Double
    public let multiplyAdds: Double
    /// The same as a share of the full model's.
    public let bytesShare: Estimate?
    public let multiplyAddsShare: Estimate?
    public let tokensPerSecond: Double
    /// Tokens a second as a share of the full model's; nil where one has run them in batches and the other one after another.
    public let speed: Estimate?
    /// The share of tokens that the full model, told the same text before, would have named too (teacher-forced).
    public let agreement: Estimate?
    /// nil for the full model itself, and of the likelihoods of whole texts.
    public let likeness: Likeness?
    /// What the scores of exits are worth, of the tokens that left.
    public let calibration: ScoreCalibration?
    public let depths: ExitDepths

    /// The metric that stands for the task: its first that is a mean, or its first.
    public var main: MetricFigure? { metrics.first { $0.metric.aggregation == .mean } ?? metrics.first }

    init(
        _ task: RunManifest.TaskEntry, _ policy: RunManifest.Policy, isReference: Bool, _ pairs: [RowPair],
        _ bootstraps: inout BootstrapCache
    ) {
        let bootstrap = bootstraps(pairs)
        let both = isReference ? [] : pairs.filter { $0.full != nil }
        let paired = bootstraps(both)
        (self.task, self.policy, self.isReference) = (task.name, policy.name, isReference)
        (items, expectedItems) = (pairs.count, task.items)

        metrics = task.metrics.compactMap { metric in
            MetricFigure(metric, pairs, isReference: isReference, &bootstraps)
        }
        let own = Sums(pairs.map(\.row))
        let (mine, full) = (Sums(both.map(\.row)), Sums(both.compactMap(\.full)))
        tokens = pairs.reduce(0) { $0 + $1.row.tokens.count }
        let decided = own.tokens.reduce(0, +)
        depth = bootstrap.ratio(own.layers, own.tokens)
        bytes = own.bytes.reduce(0, +) / decided
        multiplyAdds = own.multiplyAdds.reduce(0, +) / decided
        tokensPerSecond = decided / own.seconds.reduce(0, +)
        func share(_ cost: KeyPath<Sums, [Double]>) -> Estimate? {
            guard !both.isEmpty else { return nil }
            return paired.estimate(sums: [mine[keyPath: cost], mine.tokens, full[keyPath: cost], full.tokens]) {
                $0[0] / $0[1] / ($0[2] / $0[3])
            }
        }
        bytesShare = share(\.bytes)
        multiplyAddsShare = share(\.multiplyAdds)
        speed =
            both.allSatisfy { $0.row.isBatched == $0.full?.isBatched } ? share(\.seconds).map(\.reciprocal) : nil

        let asked = pairs.map { pair in pair.row.tokens.compactMap(\.agrees) }
        agreement =
            asked.contains { !$0.isEmpty }
            ? bootstrap.ratio(asked.map { Double($0.count { $0 }) }, asked.map { Double($0.count) }) : nil
        likeness = both.isEmpty ? nil : Likeness(both, paired)
        calibration = ScoreCalibration(pairs.map(\.row), policy)
        depths = pairs.reduce(into: ExitDepths()) { $0.add($1.row.decidedTokens) }
    }

    /// What rows add to sums.
    private struct Sums {
        let tokens: [Double]
        let layers: [Double]
        let bytes: [Double]
        let multiplyAdds: [Double]
        let seconds: [Double]

        init(_ rows: [RunRow]) {
            tokens = rows.map { Double($0.decidedTokens.count) }
            layers = rows.map { $0.decidedTokens.reduce(0) { $0 + Double($1.layer) } }
            bytes = rows.map { Double($0.ledger.cost.bytes) }
            multiplyAdds = rows.map { Double($0.ledger.cost.multiplyAdds) }
            seconds = rows.map(\.seconds)
        }
    }
}

extension Estimate {
    /// One over a positive figure.
    fileprivate var reciprocal: Estimate {
        Estimate(
            1 / value, interval: interval.flatMap { $0.lowerBound > 0 ? 1 / $0.upperBound...1 / $0.lowerBound : nil })
    }
}

extension RunRow {
    func score(_ metric: Metric) -> Score? { scores.first { $0.metric == metric.key } }
}

extension RunCell.MetricFigure {
    /// The figure of the rows that have a score; nil where none has.
    fileprivate init?(
        _ metric: Metric, _ pairs: [RowPair], isReference: Bool, _ bootstraps: inout BootstrapCache
    ) {
        let scored = pairs.filter { $0.row.score(metric) != nil }
        guard !scored.isEmpty else { return nil }
        let aggregation = metric.aggregation
        func columns(_ scores: [Score]) -> [[Double]] {
            let terms = scores.map(aggregation.terms)
            return (0..<aggregation.termCount).map { column in terms.map { $0[column] } }
        }
        let bootstrap = bootstraps(scored)
        let scores = scored.compactMap { $0.row.score(metric) }
        self.metric = metric
        value = aggregation(scores)
        standardError =
            bootstrap.isOfItems && aggregation == .mean
            ? aggregation.standardError(scores)
            : bootstrap.standardError(sums: columns(scores)) { aggregation.figure($0) }

        let both = isReference ? [] : scored.filter { $0.full?.score(metric) != nil }
        guard !both.isEmpty else {
            difference = nil
            return
        }
        let sums =
            columns(both.compactMap { $0.row.score(metric) }) + columns(both.compactMap { $0.full?.score(metric) })
        difference = bootstraps(both).estimate(sums: sums) {
            aggregation.figure($0.prefix(aggregation.termCount))
                - aggregation.figure($0.suffix(aggregation.termCount))
        }
    }
}
