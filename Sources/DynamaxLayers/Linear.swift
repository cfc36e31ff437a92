public import DynamaxTensor

/// An affine map of each row: y = W x + b.
///
/// Several maps of the same input may be stacked into one matrix, so that the input is read once; `split` takes
/// their outputs apart.
public struct Linear: Sendable {
    /// [outputs, inputs]
    public let weights: PackedMatrix
    /// [outputs]
    public let bias: Tensor?

    /// Takes a matrix and a bias of as many numbers as it has outputs.
    public init(weights: PackedMatrix, bias: Tensor? = nil) {
        precondition(bias.map { $0.shape.count == weights.outputs } ?? true)
        self.weights = weights
        self.bias = bias
    }

    /// Columns of a row that goes in.
    public var inputs: Int { weights.inputs }
    /// Columns of a row that comes out.
    public var outputs: Int { weights.outputs }

    /// Maps the rows of `x`, [rows, inputs], and adds `residual`, [rows, outputs], where given.
    public func callAsFunction(_ x: Tensor, adding residual: Tensor? = nil) -> Tensor {
        weights.multiply(x, bias: bias, adding: residual)
    }

    /// What one row of activations costs here.
    public var cost: Cost {
        Cost(bytes: weights.bytes + (bias?.shape.count ?? 0) * 4, multiplyAdds: inputs * outputs)
    }
}
