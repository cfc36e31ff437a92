package import CDynamax

// State-space recurrences. Formulas and state layouts: CDynamax.h, section "Recurrences".
// Each reads and advances the states of its sequences, which must belong to them alone.

extension Tensor {
    /// The causal depthwise convolution of the rows with the windows of their sequences, followed by silu.
    ///
    /// - Parameters:
    ///   - weights: [taps, columns]
    ///   - bias: [columns]
    /// - Returns: [rows, columns]
    package func convolved(
        _ sequences: UnsafeBufferPointer<dx_sequence>, weights: Tensor, bias: Tensor?, into y: Tensor
    ) {
        let arguments = dx_convolve(
            sequences: sequences.baseAddress, count: Int64(sequences.count), channels: Int64(columns),
            taps: Int64(weights.rows), x: pointer, x_stride: Int64(rowStride), weights: weights.pointer,
            bias: bias?.pointer, silu: true, y: y.mutablePointer, y_stride: Int64(y.rowStride))
        let parts = (columns + Int(DX_LANES) - 1) / Int(DX_LANES)
        device.run(device.kernels.pointee.convolve, arguments, units: sequences.count * parts, grain: 4)
        withExtendedLifetime((self, weights, bias, y)) {}
    }
}

/// The parameters of a Mamba-1 selective scan.
public struct ScanParameters: Sendable {
    /// -exp(A_log), [channel blocks, states, 16], padded with zeros.
    let a: Tensor
    /// The skip connection, [channels].
    let d: Tensor
    /// [channels]
    let timeStepBias: Tensor
    /// Channels of the recurrence.
    public let channels: Int
    /// Numbers of state for each channel.
    public let states: Int

    /// - Parameters:
    ///   - a: -exp(A_log), [channels, states]
    ///   - d: [channels]
    ///   - timeStepBias: [channels]
    public init(a: Tensor, d: Tensor, timeStepBias: Tensor) {
        channels = a.rows
        states = a.columns
        let lanes = Int(DX_LANES)
        let blocks = (channels + lanes - 1) / lanes
        var packed = [Float](repeating: 0, count: blocks * states * lanes)
        for (index, value) in a.array.enumerated() {
            let (channel, state) = (index / states, index % states)
            packed[(channel / lanes * states + state) * lanes + channel % lanes] = value
        }
        self.a = Tensor(packed, [blocks, states, lanes], on: a.device)
        self.d = d
        self.timeStepBias = timeStepBias
    }

    /// Numbers in the state of one sequence.
    public var stateFloats: Int { a.shape.count }

    /// Advances the states and, if `y` is given, writes the gated outputs to it.
    ///
    /// - Parameters:
    ///   - x: after the convolution, [rows, channels]
    ///   - timeStep: before bias and softplus, [rows, channels]
    ///   - b: [rows, states]
    ///   - c: [rows, states]
    ///   - gate: [rows, channels]
    package func scan(
        _ sequences: UnsafeBufferPointer<dx_sequence>, x: Tensor, timeStep: Tensor, b: Tensor,
        output: (c: Tensor, gate: Tensor, y: Tensor)?
    ) {
        let arguments = dx_scan(
            sequences: sequences.baseAddress, count: Int64(sequences.count), channels: Int64(channels),
            states: Int64(states), x: x.pointer, dt: timeStep.pointer, b: b.pointer, c: output?.c.pointer,
            z: output?.gate.pointer, x_stride: Int64(x.rowStride), dt_stride: Int64(timeStep.rowStride),
            b_stride: Int64(b.rowStride), c_stride: Int64(output?.c.rowStride ?? 0),
            z_stride: Int64(output?.gate.rowStride ?? 0), a: a.pointer, d: d.pointer,
            dt_bias: timeStepBias.pointer, y: output?.y.mutablePointer, y_stride: Int64(output?.y.rowStride ?? 0))
        let parts = (channels + Int(DX_LANES) - 1) / Int(DX_LANES)
        x.device.run(x.device.kernels.pointee.scan, arguments, units: sequences.count * parts)
        withExtendedLifetime((self, x, timeStep, b, output)) {}
    }
}

/// The parameters of a Mamba-2 recurrence.
public struct SSDParameters: Sendable {
    /// -exp(A_log), [heads]
    let a: Tensor
    /// The skip connection, [heads].
    let d: Tensor
    /// [heads]
    let timeStepBias: Tensor
    /// The range that time steps are clamped to.
    let timeStepLimit: ClosedRange<Float>
    /// Channels of one head.
    public let headWidth: Int
    /// Groups of heads that share B and C.
    public let groups: Int
    /// Numbers of state for each channel.
    public let states: Int

    public init(
        a: Tensor, d: Tensor, timeStepBias: Tensor, timeStepLimit: ClosedRange<Float>, headWidth: Int, groups: Int,
        states: Int
    ) {
        self.a = a
        self.d = d
        self.timeStepBias = timeStepBias
        self.timeStepLimit = timeStepLimit
        self.headWidth = headWidth
        self.groups = groups
        self.states = states
    }

    /// The number of heads.
    public var heads: Int { a.shape.count }

    /// Numbers in the state of one sequence.
    public var stateFloats: Int {
        let lanes = Int(DX_LANES)
        return heads * states * ((headWidth + lanes - 1) / lanes * lanes)
    }

    /// Advances the states and, if `y` is given, writes the outputs to it.
    ///
    /// - Parameters:
    ///   - x: after the convolution, [rows, heads * headWidth]
    ///   - timeStep: before bias and softplus, [rows, heads]
    ///   - b: [rows, groups * states]
    ///   - c: [rows, groups * states]
    package func recur(
        _ sequences: UnsafeBufferPointer<dx_sequence>, x: Tensor, timeStep: Tensor, b: Tensor,
        output: (c: Tensor, y: Tensor)?
    ) {
        let arguments = dx_ssd(
            sequences: sequences.baseAddress, count: Int64(sequences.count), heads: Int64(heads),
            groups: Int64(groups), width: Int64(headWidth), states: Int64(states), x: x.pointer,
            dt: timeStep.pointer, b: b.pointer, c: output?.c.pointer, x_stride: Int64(x.rowStride),
            dt_stride: Int64(timeStep.rowStride), b_stride: Int64(b.rowStride),
            c_stride: Int64(output?.c.rowStride ?? 0), a: a.pointer, d: d.pointer, dt_bias: timeStepBias.pointer,
            low: timeStepLimit.lowerBound, high: timeStepLimit.upperBound, y: output?.y.mutablePointer,
            y_stride: Int64(output?.y.rowStride ?? 0))
        x.device.run(x.device.kernels.pointee.ssd, arguments, units: sequences.count * heads)
        withExtendedLifetime((self, x, timeStep, b, output)) {}
    }
}
