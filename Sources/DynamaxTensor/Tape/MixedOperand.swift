import CDynamax

/// A matrix rounded to bf16, in a layout that mixed products read (Micikevicius et al. 2018): learning packs it for each use.
struct MixedOperand {
    /// Which matrix the layout stands for, and for which side of a product.
    enum Layout {
        /// x of a product, or its transpose.
        case rows, columns
        /// W of x W^T, or its transpose.
        case packedRows, packedColumns

        var isTransposed: Bool { self == .columns || self == .packedColumns }
    }

    /// Rows of x, or outputs of W.
    let count: Int
    /// Numbers that a product adds up, without padding.
    let inputs: Int
    private let storage: Storage
    private let device: Device

    private var paddedInputs: Int { MixedOperand.padded(inputs) }

    private static func padded(_ inputs: Int) -> Int {
        let step = Int(DX_MIXED_STEP)
        return (inputs + step - 1) / step * step
    }

    init(_ dense: Tensor, _ layout: Layout) {
        device = dense.device
        (count, inputs) = layout.isTransposed ? (dense.columns, dense.rows) : (dense.rows, dense.columns)
        let padded = MixedOperand.padded(inputs), blocks = blocks(of: count)
        storage = device.storage(bytes: blocks * Int(DX_LANES) * padded * 2)
        let arguments = dx_mixed_operand(
            rows: Int64(dense.rows), columns: Int64(dense.columns), inputs: Int64(padded),
            x: dense.pointer, x_stride: Int64(dense.rowStride),
            y: storage.address.assumingMemoryBound(to: UInt16.self))
        let kernels = device.mixedKernels.pointee
        switch layout {
        case .rows: device.run(kernels.rows, arguments, units: blocks)
        case .columns: device.run(kernels.columns, arguments, units: blocks)
        case .packedRows: device.run(kernels.packed_rows, arguments, units: blocks)
        case .packedColumns: device.run(kernels.packed_columns, arguments, units: blocks)
        }
        extendLifetime(dense)
    }

    /// x W^T + bias + residual, with x by rows and W packed.
    func multiplied(by weights: MixedOperand, bias: Tensor? = nil, adding residual: Tensor? = nil) -> Tensor {
        precondition(inputs == weights.inputs)
        let y = Tensor(uninitialized: Shape(rows: count, columns: weights.count), on: device)
        multiply(by: weights.storage.address, bias: bias?.pointer, adding: residual, into: y)
        extendLifetime(weights)
        extendLifetime(bias)
        return y
    }

    /// y = x W^T + bias + residual, with x by rows and W packed for as many outputs as y has columns.
    func multiply(
        by weights: UnsafeRawPointer, bias: UnsafePointer<Float>?, adding residual: Tensor?, into y: Tensor
    ) {
        let arguments = dx_mixed_product(
            rows: Int64(count), inputs: Int64(paddedInputs), outputs: Int64(y.columns),
            x: storage.address.assumingMemoryBound(to: UInt16.self),
            weights: weights.assumingMemoryBound(to: UInt16.self),
            bias: bias, residual: residual?.pointer, residual_stride: Int64(residual?.rowStride ?? 0),
            y: y.mutablePointer, y_stride: Int64(y.rowStride))
        device.run(device.mixedKernels.pointee.product, arguments, units: blocks(of: y.columns), grain: 2)
        extendLifetime(self)
        extendLifetime(residual)
    }
}
