import CDynamax

// Products with dense matrices, which learning changes at each step. They are packed for each use, so that the kernels of
// inference serve learning as well; that costs little beside the product of many rows.

/// How products with matrices that learn, and with those held in bf16, are computed.
public enum Precision: String, CaseIterable, Sendable {
    /// Rows as they are: as inference with f32 weights computes them.
    case f32
    /// Both operands rounded to bf16, sums in f32: mixed precision (Micikevicius et al. 2018), for processors with matrix
    /// instructions.
    case bf16
}

extension Device {
    /// Runs `body` with products in a precision; their gradients are computed in the same one.
    public func multiplying<Result>(in precision: Precision, _ body: () throws -> Result) rethrows -> Result {
        let outer = self.precision
        defer { self.precision = outer }
        self.precision = precision
        return try body()
    }
}

extension Tensor {
    /// x W^T + bias + residual, in the precision that `Device.multiplying(in:)` has set.
    ///
    /// - Parameters:
    ///   - weights: [outputs, inputs]
    ///   - bias: [outputs]
    ///   - residual: [rows, outputs]
    /// - Returns: [rows, outputs]
    public func product(with weights: Tensor, bias: Tensor? = nil, adding residual: Tensor? = nil) -> Tensor {
        precondition(weights.shape.rank == 2 && columns == weights.columns)
        let precision = device.precision
        let y =
            switch precision {
            case .f32: PackedMatrix(packingRowsOf: weights).product(self, bias: bias, adding: residual)
            case .bf16:
                MixedOperand(self, .rows)
                    .multiplied(by: MixedOperand(weights, .packedRows), bias: bias, adding: residual)
            }
        return y.recorded([self, weights, bias, residual]) {
            .product(.init(x: self, weights: weights, bias: bias, residual: residual, precision: precision))
        }
    }

    /// dy W: the gradient of a product with respect to its rows.
    func product(withTransposed weights: Tensor, _ precision: Precision = .f32) -> Tensor {
        switch precision {
        case .f32: PackedMatrix(packingColumnsOf: weights).product(self)
        case .bf16: MixedOperand(self, .rows).multiplied(by: MixedOperand(weights, .packedColumns))
        }
    }

    /// dy^T x: the gradient of a product with respect to its weights.
    func outerProduct(_ x: Tensor, _ precision: Precision = .f32) -> Tensor {
        switch precision {
        case .f32: PackedMatrix(packingColumnsOf: x).product(transposed())
        case .bf16: MixedOperand(self, .columns).multiplied(by: MixedOperand(x, .packedColumns))
        }
    }
}

extension PackedMatrix {
    /// The numbers that the products multiply by, as f32, [outputs, inputs].
    var dense: Tensor { Tensor(unpacked(), Shape(rows: outputs, columns: inputs), on: device) }
}
