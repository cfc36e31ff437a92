public import DynamaxTensor

/// Root mean square norm: y = x / sqrt(mean(x^2) + epsilon) * weight (Zhang and Sennrich 2019, section 4).
///
/// With `group`, each group of columns has a mean of its own; with a gate, x is multiplied by silu(gate) first: the
/// grouped gated norm of Mamba-2.
public struct RMSNorm: Sendable {
    /// [columns], or [group] to use the same scales in each group.
    public let weight: Tensor
    /// Keeps rows of zeros from being divided by zero.
    public let epsilon: Float
    /// Columns that share a mean; nil for all.
    public let group: Int?

    /// Takes the scales; see the type for `group`.
    public init(weight: Tensor, epsilon: Float, group: Int? = nil) {
        self.weight = weight
        self.epsilon = epsilon
        self.group = group
    }

    /// Norms the rows of `x`, [rows, columns], multiplied by silu(gate) where a gate is given.
    public func callAsFunction(_ x: Tensor, gate: Tensor? = nil) -> Tensor {
        x.rmsNorm(weight: weight, epsilon: epsilon, group: group, gate: gate)
    }
}
