public import DynamaxTensor

/// What exits with some scores would do on a trace: the depth that tokens need, and how often the token is the full model's
/// (token consistency, teacher-forced).
public struct ExitSimulation: Sendable {
    /// Depth and consistency at one threshold.
    public struct Point: Hashable, Sendable {
        public let threshold: Float
        /// Mean layers of a token.
        public let depth: Double
        /// Share of tokens that are the full model's most probable one.
        public let consistency: Double
        /// Share of tokens that leave at each exit, and at last of those that stay.
        public let shares: [Double]

        /// The mean of what tokens cost that leave at each exit, and at last of those that stay.
        public func mean(of costs: [Int]) -> Double {
            precondition(costs.count == shares.count)
            return zip(costs, shares).reduce(0) { $0 + Double($1.0) * $1.1 }
        }
    }

    /// Scores of each text's rows at each exit, larger for surer: [text][exit][row]
    private let scores: [[[Float]]]
    /// Whether the token would be the full model's, in the same order.
    private let agrees: [[[Bool]]]
    private let layers: [Int]
    private let layerCount: Int

    /// Takes the scores that a rule gives each view.
    public init(_ trace: ExitTrace, score: (ExitTrace.View) -> Float) {
        self.init(trace) { sequence, layer in (sequence.views[layer] ?? []).map(score) }
    }

    /// Takes the scores of learned heads that do not read logits; see `GateEvaluation` for those that do.
    public init(_ trace: ExitTrace, _ heads: ExitHeads, on device: Device) {
        self.init(trace) { sequence, layer in
            heads.heads[layer]?.logits(of: [sequence], after: layer, width: trace.width, on: device).array ?? []
        }
    }

    /// Takes scores, and whether the token would be the full model's, both by text, exit and row.
    init(scores: [[[Float]]], agrees: [[[Bool]]], layers: [Int], layerCount: Int) {
        (self.scores, self.agrees, self.layers, self.layerCount) = (scores, agrees, layers, layerCount)
    }

    private init(_ trace: ExitTrace, scores: (ExitTrace.Sequence, Int) -> [Float]) {
        layers = trace.layers
        layerCount = trace.layerCount
        self.scores = trace.sequences.map { sequence in trace.layers.map { scores(sequence, $0) } }
        agrees = trace.sequences.map { sequence in
            trace.layers.map { layer in (sequence.views[layer] ?? []).map { $0.rank == 0 } }
        }
    }

    /// Depth and consistency over some of the texts, by their numbers; all by default.
    public func point(_ threshold: Float, texts: [Int]? = nil) -> Point {
        var (depth, right) = (0, 0)
        var counts = [Int](repeating: 0, count: layers.count + 1)
        for text in texts ?? Array(scores.indices) {
            for row in 0..<(scores[text].first?.count ?? 0) {
                let exit = layers.indices.first { scores[text][$0][row] >= threshold }
                depth += exit.map { layers[$0] } ?? layerCount
                right += exit.map { agrees[text][$0][row] } ?? true ? 1 : 0
                counts[exit ?? layers.count] += 1
            }
        }
        let total = Double(max(counts.reduce(0, +), 1))
        return Point(
            threshold: threshold, depth: Double(depth) / total, consistency: Double(right) / total,
            shares: counts.map { Double($0) / total })
    }

    /// The point of least depth that is at least so consistent, among thresholds at so many quantiles of the scores.
    public func shallowest(consistency: Double, texts: [Int]? = nil, quantiles: Int = 200) -> Point {
        let all = scores.joined().joined().sorted()
        guard !all.isEmpty else { return point(.infinity, texts: texts) }
        let thresholds = (0..<quantiles).map { all[$0 * (all.count - 1) / max(quantiles - 1, 1)] }
        let points = Set(thresholds).map { point($0, texts: texts) }.filter { $0.consistency >= consistency }
        return points.min { ($0.depth, $0.threshold) < ($1.depth, $1.threshold) }
            ?? point(.infinity, texts: texts)
    }

    /// The mean depth if each token left at the first exit that agrees with the full model.
    public var oracleDepth: Double {
        var (depth, count) = (0, 0)
        for text in agrees.indices {
            for row in 0..<(agrees[text].first?.count ?? 0) {
                depth += layers.indices.first { agrees[text][$0][row] }.map { layers[$0] } ?? layerCount
                count += 1
            }
        }
        return Double(depth) / Double(max(count, 1))
    }

    /// The mean depth at a consistency, with the range that 19 of 20 resamples of the texts give (percentile bootstrap).
    public func depth(
        atConsistency consistency: Double, resamples: Int = 200, using random: inout some RandomNumberGenerator
    ) -> (point: Point, low: Double, high: Double) {
        let point = shallowest(consistency: consistency)
        let depths = (0..<resamples).map { _ in
            let texts = scores.indices.map { _ in Int.random(in: scores.indices, using: &random) }
            return shallowest(consistency: consistency, texts: texts, quantiles: 60).depth
        }.sorted()
        return (point, depths[resamples / 40], depths[resamples - 1 - resamples / 40])
    }
}
