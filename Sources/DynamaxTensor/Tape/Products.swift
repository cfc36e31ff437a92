import CDynamax

// Products with dense matrices, which learning changes at each step. They are packed for each use, so that the kernels of
// inference serve learning as well; that costs little beside the product of many rows.

extension Tensor {
    /// x W^T + bias + residual.
    ///
    /// - Parameters:
    ///   - weights: [outputs, inputs]
    ///   - bias: [outputs]
    ///   - residual: [rows, outputs]
    /// - Returns: [rows, outputs]
    public func product(with weights: Tensor, bias: Tensor? = nil, adding residual: Tensor? = nil) -> Tensor {
        precondition(weights.shape.rank == 2 && columns == weights.columns)
        let y = PackedMatrix(packingRowsOf: weights).multiply(self, bias: bias, adding: residual)
        return y.recorded(self, weights, bias, residual) {
            .product(.init(x: self, weights: weights, bias: bias, residual: residual))
        }
    }

    /// dy W: the gradient of a product with respect to its rows.
    func product(withTransposed weights: Tensor) -> Tensor {
        PackedMatrix(packingColumnsOf: weights).multiply(self)
    }

    /// dy^T x: the gradient of a product with respect to its weights.
    func outerProduct(_ x: Tensor) -> Tensor {
        PackedMatrix(packingColumnsOf: x).multiply(transposed())
    }
}
