import DynamaxModels

/// How much the loss at each depth counts, step by step.
///
/// The loss of a step is the sum over depths d of w(d) * CE(head(norm(h_d)), target), with the shared final norm and head, h_d
/// being the hidden rows after d layers. At each step the weights add up to 1.
public struct ExitWeights: Hashable, Sendable {
    /// The rule.
    public enum Rule: String, Hashable, Sendable, CaseIterable {
        /// All weight on the last layer.
        case final
        /// Equal weights (Sorted LLaMA, Valipour et al. 2023).
        case uniform
        /// Equal weights of one depth in `period`, drawn anew at each step (SortedNet, Valipour et al. 2023): the same gradient as
        /// `uniform` on average, for less.
        case sampled
        /// In proportion to the depth (CALM, Schuster et al. 2022).
        case growing
        /// In proportion to L + 1 - d: early exits count most (DYNAMAX, Nogales et al. 2025).
        case decaying
        /// As LayerSkip (Elhoushi et al. 2024) with its rotational curriculum: the last layer at each step, and of the other
        /// depths, in turn, one of `period`; weights grow as the sum of 1 ... d.
        case rotating
        /// As LayerSkip with its gradual curriculum: the deepest exits first, all of them from half of the steps on.
        case gradual
    }

    /// The rule.
    public var rule: Rule
    /// Depths that have a weight at some step, rising; the last is the number of layers.
    public let depths: [Int]
    /// LayerSkip's e_scale: what the weights of all depths but the last are multiplied by before they are normalised.
    public var scale: Double
    /// LayerSkip's R, and for `sampled`: of how many depths one is on at a time.
    public var period: Int

    /// - Parameters:
    ///   - depths: layers after which exits are; the number of layers is added where it is missing.
    ///   - layers: the number of layers.
    public init(_ rule: Rule, depths: [Int], layers: Int, scale: Double = 1, period: Int = 4) {
        self.rule = rule
        self.depths = rule == .final ? [layers] : Set(depths + [layers]).sorted()
        self.scale = scale
        self.period = max(1, period)
        precondition(self.depths.allSatisfy { (1...layers).contains($0) }, "depths must lie between 1 and \(layers)")
    }

    /// The weight of each depth that counts at a step, from 0, of `total`; depths rise and weights add up to 1.
    public func weights(at step: Int, of total: Int) -> [(depth: Int, weight: Double)] {
        let layers = depths[depths.count - 1]
        let raw = depths.enumerated().compactMap { index, depth -> (depth: Int, weight: Double)? in
            let weight =
                switch rule {
                case .final, .uniform, .sampled: 1.0
                case .growing: Double(depth)
                case .decaying: Double(layers + 1 - depth)
                case .rotating, .gradual: Double(depth * (depth + 1) / 2)
                }
            guard depth != layers || rule == .sampled else { return (depth, weight) }
            return isOn(index, at: step, of: total) ? (depth, weight * scale) : nil
        }
        let sum = raw.reduce(0) { $0 + $1.weight }
        return raw.map { ($0.depth, $0.weight / sum) }
    }

    private func isOn(_ index: Int, at step: Int, of total: Int) -> Bool {
        switch rule {
        case .sampled:
            var random = Philox(seed: UInt64(step))
            return Array(depths.indices).shuffled(using: &random).prefix(max(1, depths.count / period)).contains(index)
        case .rotating: return index % period == step % period
        case .gradual:
            let layers = depths[depths.count - 1]
            return 2 * step * (layers - 1) >= (layers - depths[index]) * total
        default: return true
        }
    }
}
