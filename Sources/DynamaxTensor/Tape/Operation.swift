/// Everything that a tensor on the tape may have been computed by, with what its gradient needs.
///
/// One case an operation; the gradients are in the one switch of `Backward.swift`.
enum Operation {
    /// A parameter, or a result whose operation has been consumed.
    case leaf
    case view(Tensor, rows: Range<Int>, columns: Range<Int>)
    case stackedRows([Tensor])
    case gatheredRows(Tensor, [Int32])
    /// a + factor * b
    case sum(Tensor, Tensor, factor: Float)
    case sumOfAll(Tensor)
    /// -exp(x)
    case negatedExponential(Tensor)
    /// Rounding or clamping whose gradient passes where `mask` is 1, or everywhere.
    case straightThrough(Tensor, mask: Tensor?)
    case reshaped(Tensor)
    case product(Product)
    case frozenProduct(FrozenProduct)
    case rmsNorm(RMSNormOperands)
    case rotary(Tensor, headWidth: Int, RotaryAngles)
    case swiglu(gate: Tensor, up: Tensor)
    case softmax(Tensor)
    /// A loss whose gradient with respect to its rows is known; the loss is the sum over rows.
    case rowLoss(Tensor, gradient: Tensor)
    case attention(AttentionOperands)
    case convolution(ConvolutionOperands)
    case scan(ScanOperands)
    case ssd(SSDOperands)
    case imageConvolution(ImageConvolutionOperands)
    case pool(Pool)
    /// Computed again when its gradient is asked for.
    case checkpoint(Tensor, (Tensor) -> Tensor)

    /// y = x W^T + bias + residual
    struct Product {
        let x, weights: Tensor
        let bias, residual: Tensor?
        let precision: Precision
    }

    /// y = x W^T + bias + residual, where W does not learn
    struct FrozenProduct {
        let x: Tensor
        let weights: PackedMatrix
        let bias, residual: Tensor?
    }

    struct RMSNormOperands {
        let x, weight: Tensor
        let gate: Tensor?
        let epsilon: Float
        let group: Int
    }

    struct AttentionOperands {
        let queries, keys, values: Tensor
        let sequences: [Range<Int>]
        let shape: AttentionShape
        let scale: Float
    }

    struct ConvolutionOperands {
        let x, weights: Tensor
        let bias: Tensor?
        let sequences: [Range<Int>]
    }

    struct ScanOperands {
        let x, timeStep, b, c, gate: Tensor
        /// -exp(A_log), [channels, states], and the same in the kernel's layout
        let a, packed: Tensor
        let d, timeStepBias: Tensor
        let sequences: [Range<Int>]
    }

    struct SSDOperands {
        let x, timeStep, b, c: Tensor
        let parameters: SSDParameters
        let sequences: [Range<Int>]
    }
}
