import CDynamax

// Gradients of row operations. Formulas: CDynamaxGradients.h, section "Rows".

extension Operation.RMSNormOperands {
    /// With respect to x and gate, and the normed rows before their scales, from which the weight's gradient is made.
    func gradients(_ dy: Tensor) -> (x: Tensor, gate: Tensor?, scaled: Tensor) {
        let device = x.device
        let dx = Tensor(uninitialized: x.shape, on: device)
        let dgate = gate.map { Tensor(uninitialized: $0.shape, on: device) }
        let scaled = Tensor(uninitialized: x.shape, on: device)
        let arguments = dx_rms_norm_gradient(
            rows: Int64(x.rows), width: Int64(x.columns), group: Int64(group), x: x.pointer, gate: gate?.pointer,
            weight: weight.pointer, x_stride: Int64(x.rowStride), gate_stride: Int64(gate?.rowStride ?? 0),
            weight_repeats: weight.shape.count != x.columns, epsilon: epsilon, dy: dy.pointer,
            dy_stride: Int64(dy.rowStride), dx: dx.mutablePointer, dgate: dgate?.mutablePointer,
            scaled: scaled.mutablePointer)
        device.run(device.gradientKernels.pointee.rms_norm, arguments, units: x.rows, grain: 4)
        extendLifetime(self)
        extendLifetime(dy)
        return (dx, dgate, scaled)
    }

    func weightGradient(_ dy: Tensor, scaled: Tensor) -> Tensor {
        let sums = dy.columnSums(times: scaled)
        guard weight.shape.count != x.columns else { return sums }
        // The same scales in each group: their gradients add up.
        return sums.reshaped(Shape(rows: x.columns / group, columns: group)).columnSums()
    }
}

extension Tensor {
    static func swigluGradients(gate: Tensor, up: Tensor, _ dy: Tensor) -> (gate: Tensor, up: Tensor) {
        let device = gate.device
        let dgate = Tensor(uninitialized: gate.shape, on: device)
        let dup = Tensor(uninitialized: up.shape, on: device)
        let arguments = dx_swiglu_gradient(
            rows: Int64(gate.rows), width: Int64(gate.columns), gate: gate.pointer, up: up.pointer, dy: dy.pointer,
            gate_stride: Int64(gate.rowStride), up_stride: Int64(up.rowStride), dy_stride: Int64(dy.rowStride),
            dgate: dgate.mutablePointer, dup: dup.mutablePointer, dgate_stride: Int64(dgate.rowStride),
            dup_stride: Int64(dup.rowStride))
        device.run(device.gradientKernels.pointee.swiglu, arguments, units: gate.rows, grain: 4)
        extendLifetime(gate)
        extendLifetime(up)
        extendLifetime(dy)
        return (dgate, dup)
    }

    /// With respect to the operand of the softmax that this is the result of.
    func softmaxGradient(_ dy: Tensor) -> Tensor {
        let dx = Tensor(uninitialized: shape, on: device)
        let arguments = dx_softmax_gradient(
            rows: Int64(rows), width: Int64(columns), y: pointer, dy: dy.pointer, y_stride: Int64(rowStride),
            dy_stride: Int64(dy.rowStride), dx: dx.mutablePointer, dx_stride: Int64(dx.rowStride))
        device.run(device.gradientKernels.pointee.softmax, arguments, units: rows)
        extendLifetime(self)
        extendLifetime(dy)
        return dx
    }
}
