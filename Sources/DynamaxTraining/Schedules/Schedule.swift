import Foundation

/// How the learning rate goes over the steps, as a factor of its peak.
///
/// Every schedule may begin with a warm-up: at step s of w warm-up steps the factor is (s + 1) / w, so that no step is lost.
public struct Schedule: Hashable, Sendable {
    /// What comes after the warm-up.
    public enum Shape: Hashable, Sendable {
        /// 1.
        case constant
        /// From 1 to `final` in a straight line, reached at the last step.
        case linear(final: Double)
        /// From 1 to `final` along half a cosine, reached at the last step (Loshchilov and Hutter 2017).
        case cosine(final: Double)
        /// Times `factor` from each of these steps on.
        case steps(at: [Int], factor: Double)
    }

    /// What comes after the warm-up.
    public var shape: Shape
    /// Steps of the warm-up.
    public var warmup: Int

    /// Takes a shape and the steps of its warm-up.
    public init(_ shape: Shape, warmup: Int = 0) {
        self.shape = shape
        self.warmup = warmup
    }

    /// The factor at a step, from 0, of `total`.
    public func factor(at step: Int, of total: Int) -> Double {
        if step < warmup { return Double(step + 1) / Double(warmup) }
        let length = total - 1 - warmup
        let progress = length > 0 ? min(1, Double(step - warmup) / Double(length)) : 1
        switch shape {
        case .constant: return 1
        case .linear(let final): return 1 + (final - 1) * progress
        case .cosine(let final): return final + (1 - final) * 0.5 * (1 + cos(.pi * progress))
        case .steps(let steps, let factor):
            return steps.reduce(1) { step >= $1 ? $0 * factor : $0 }
        }
    }
}
