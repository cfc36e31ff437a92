package import CDynamax

/// The parameters of a Mamba-1 selective scan. Formula and state: CDynamax.h, `dx_scan`.
public final class ScanParameters: Sendable {
    /// The logarithms of the rates at which states decay, [channels, states].
    public let decayLogarithms: Tensor
    /// The skip connection, [channels].
    public let d: Tensor
    /// [channels]
    public let timeStepBias: Tensor
    /// -exp(decayLogarithms), [channels, states]
    private let a: Tensor
    /// The same in the kernel's layout: [channel blocks, states, 16], padded with zeros.
    private let packed: Tensor

    /// Takes the parameters under their names in checkpoints.
    ///
    /// - Parameters:
    ///   - decayLogarithms: A_log, [channels, states]
    ///   - d: D, [channels]
    ///   - timeStepBias: dt_proj.bias, [channels]
    public init(decayLogarithms: Tensor, d: Tensor, timeStepBias: Tensor) {
        self.decayLogarithms = decayLogarithms
        self.d = d
        self.timeStepBias = timeStepBias
        a = decayLogarithms.negatedExponential()
        packed = ScanParameters.pack(a)
    }

    private static func pack(_ a: Tensor) -> Tensor {
        let (states, lanes) = (a.columns, Int(DX_LANES))
        var packed = [Float](repeating: 0, count: blocks(of: a.rows) * states * lanes)
        for (index, value) in a.array.enumerated() {
            let (channel, state) = (index / states, index % states)
            packed[(channel / lanes * states + state) * lanes + channel % lanes] = value
        }
        return Tensor(packed, [blocks(of: a.rows), states, lanes], on: a.device)
    }

    /// These parameters with what depends on them computed anew, where learning may have changed them.
    public var current: ScanParameters {
        guard decayLogarithms.isTracked else { return self }
        return ScanParameters(decayLogarithms: decayLogarithms, d: d, timeStepBias: timeStepBias)
    }

    /// Channels of the recurrence.
    public var channels: Int { a.rows }
    /// Numbers of state for each channel.
    public var states: Int { a.columns }
    /// Numbers in the state of one sequence.
    public var stateFloats: Int { packed.shape.count }

    /// What a scan reads, row by row.
    package struct Inputs {
        /// After the convolution, [rows, channels].
        package let x: Tensor
        /// Before bias and softplus, [rows, channels].
        package let timeStep: Tensor
        /// [rows, states]
        package let b: Tensor
        /// [rows, states]; nil where only the states are to move.
        package let c: Tensor?
        /// [rows, channels]; nil where only the states are to move.
        package let gate: Tensor?

        package init(x: Tensor, timeStep: Tensor, b: Tensor, c: Tensor? = nil, gate: Tensor? = nil) {
            (self.x, self.timeStep, self.b, self.c, self.gate) = (x, timeStep, b, c, gate)
        }
    }

    /// Advances the states and, if `y` is given, writes the gated outputs to it, [rows, channels].
    package func run(_ sequences: UnsafeBufferPointer<dx_sequence>, _ inputs: Inputs, into y: Tensor?) {
        let arguments = dx_scan(
            sequences: sequences.baseAddress, count: Int64(sequences.count), channels: Int64(channels),
            states: Int64(states), x: inputs.x.pointer, dt: inputs.timeStep.pointer, b: inputs.b.pointer,
            c: inputs.c?.pointer, z: inputs.gate?.pointer, x_stride: Int64(inputs.x.rowStride),
            dt_stride: Int64(inputs.timeStep.rowStride), b_stride: Int64(inputs.b.rowStride),
            c_stride: Int64(inputs.c?.rowStride ?? 0), z_stride: Int64(inputs.gate?.rowStride ?? 0),
            a: packed.pointer, d: d.pointer, dt_bias: timeStepBias.pointer, y: y?.mutablePointer,
            y_stride: Int64(y?.rowStride ?? 0))
        let device = inputs.x.device
        device.run(device.kernels.pointee.scan, arguments, units: sequences.count * blocks(of: channels))
        extendLifetime(self)
        extendLifetime(inputs)
        extendLifetime(y)
    }

    /// The result `y` of `run`, on the tape.
    package func recorded(_ y: Tensor, _ inputs: Inputs, _ sequences: UnsafeBufferPointer<dx_sequence>) -> Tensor {
        guard let c = inputs.c, let gate = inputs.gate else { return y }
        return y.recorded([inputs.x, inputs.timeStep, inputs.b, c, gate, a, d, timeStepBias]) {
            .scan(
                .init(
                    x: inputs.x, timeStep: inputs.timeStep, b: inputs.b, c: c, gate: gate, a: a, packed: packed, d: d,
                    timeStepBias: timeStepBias, sequences: sequences.freshRows))
        }
    }
}
