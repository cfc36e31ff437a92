public import DynamaxTensor

/// An affine map of each row: y = W x + b.
///
/// Several maps of the same input may be stacked into one matrix, so that the input is read once; `split` takes
/// their outputs apart.
public struct Linear: Sendable {
    /// How the matrix is held.
    public enum Weights: Sendable {
        /// For inference: packed, and perhaps rounded to fewer bits.
        case packed(PackedMatrix)
        /// For learning: [outputs, inputs] as f32.
        case dense(Tensor)
    }

    /// [outputs, inputs]
    public let weights: Weights
    /// [outputs]
    public let bias: Tensor?

    /// Takes a matrix and a bias of as many numbers as it has outputs.
    public init(weights: Weights, bias: Tensor? = nil) {
        self.weights = weights
        self.bias = bias
        precondition(bias.map { $0.shape.count == outputs } ?? true)
    }

    /// Columns of a row that goes in.
    public var inputs: Int {
        switch weights {
        case .packed(let matrix): matrix.inputs
        case .dense(let matrix): matrix.columns
        }
    }

    /// Columns of a row that comes out.
    public var outputs: Int {
        switch weights {
        case .packed(let matrix): matrix.outputs
        case .dense(let matrix): matrix.rows
        }
    }

    /// How the numbers of the matrix are held.
    public var format: WeightFormat {
        switch weights {
        case .packed(let matrix): matrix.format
        case .dense: .f32
        }
    }

    /// Maps the rows of `x`, [rows, inputs], and adds `residual`, [rows, outputs], where given.
    public func callAsFunction(_ x: Tensor, adding residual: Tensor? = nil) -> Tensor {
        switch weights {
        case .packed(let matrix): matrix.multiply(x, bias: bias, adding: residual)
        case .dense(let matrix): x.product(with: matrix, bias: bias, adding: residual)
        }
    }

    /// Some columns of what comes out, with the same bits, for less: the other weights are not read.
    ///
    /// For learning all columns are computed.
    ///
    /// - Returns: [rows, range.count]
    public func callAsFunction(_ x: Tensor, outputs range: Range<Int>) -> Tensor {
        switch weights {
        case .packed(let matrix): matrix.multiply(x, outputs: range, bias: bias)
        case .dense: self(x).columns(range)
        }
    }

    /// What one row of activations costs here.
    public var cost: Cost { cost(ofOutputs: 0..<outputs) }

    /// What one row of activations costs here for some columns of what comes out.
    public func cost(ofOutputs range: Range<Int>) -> Cost {
        let bytes =
            switch weights {
            case .packed(let matrix): matrix.bytes(ofOutputs: range)
            case .dense(let matrix): matrix.columns * range.count * 4
            }
        return Cost(bytes: bytes + (bias == nil ? 0 : range.count * 4), multiplyAdds: inputs * range.count)
    }
}
