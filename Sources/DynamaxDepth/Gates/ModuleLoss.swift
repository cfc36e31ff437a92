/// What the exits' inference modules learn from: one loss made of the losses of all exits, for each row
/// (Regol et al. 2024, JEI-DNN).
///
/// The exit probabilities are constants here. The final exit has no module, and is not in the sum.
public enum ModuleLoss: String, CaseIterable, Sendable {
    /// The published code's: sum(pi l) * sum(l) / sum(pi l), with a gradient through all three sums. The probabilities cancel, so
    /// that this is the plain sum of the exits' losses, in its gradient too.
    case released
    /// The same with the ratio as a constant: losses weighted by the exit probabilities, at the scale of their plain sum.
    case detached
    /// sum(pi l): losses weighted by the exit probabilities.
    case plain

    /// The loss of a row, and its derivative by each exit's loss.
    ///
    /// - Parameters:
    ///   - losses: of the exits, each at least 0.
    ///   - probabilities: of leaving at them.
    public func callAsFunction(_ losses: [Float], _ probabilities: [Float]) -> (value: Float, weights: [Float]) {
        precondition(losses.count == probabilities.count)
        // In Double: the parts of the released gradient nearly cancel.
        let pi = probabilities.map(Double.init)
        let weighted = zip(losses, pi).reduce(0) { $0 + Double($1.0) * $1.1 }
        let sum = losses.reduce(0) { $0 + Double($1) }
        // Nothing expected of the exits, or nothing lost there: the ratio says nothing.
        guard self != .plain, weighted > 0 else { return (Float(weighted), probabilities) }
        let ratio = sum / weighted
        let weights: [Double] =
            switch self {
            // The product rule: the weighted sum's derivative, and the ratio's.
            case .released: pi.map { $0 * ratio + weighted * (1 / weighted - sum * $0 / (weighted * weighted)) }
            case .detached, .plain: pi.map { $0 * ratio }
            }
        return (Float(weighted * ratio), weights.map { Float($0) })
    }
}
