/// What gates learn: the exit where a token would best have left, and what follows for each gate (Regol et al. 2024, JEI-DNN).
public struct GateTargets: Hashable, Sendable {
    /// The exit of least objective, loss + cost weight * cost; as large as the number of gates for the last layer. Of equal
    /// ones it is the earliest.
    public let best: Int
    /// Number of gates.
    private let count: Int

    /// Takes the losses and costs of all exits, that of the last layer at their end, at least one each.
    public init(losses: [Float], costs: [Float], costWeight: Float) {
        precondition(!losses.isEmpty && losses.count == costs.count)
        let objectives = zip(losses, costs).map { $0 + costWeight * $1 }
        var best = 0
        for (exit, objective) in objectives.enumerated() where objective < objectives[best] { best = exit }
        self.best = best
        count = losses.count - 1
    }

    /// Whether each gate is to let the token go: from the best exit on, so that a token that missed it leaves at once.
    public var values: [Float] { (0..<count).map { $0 >= best ? 1 : 0 } }

    /// What the loss of each gate weighs where it is to let a token go: the more, the fewer tokens have their best exit there,
    /// min((N - n) / max(n, 0.1), 5).
    ///
    /// - Parameters:
    ///   - best: the best exits of tokens that gates do not learn from.
    ///   - gates: how many there are.
    public static func classWeights(best: [Int], gates: Int) -> [Float] {
        (0..<gates).map { gate in
            let count = Float(best.count { $0 == gate })
            return min((Float(best.count) - count) / max(count, 0.1), 5)
        }
    }
}
