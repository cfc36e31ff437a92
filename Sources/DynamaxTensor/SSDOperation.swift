package import CDynamax

/// The parameters of a Mamba-2 recurrence. Formula and state: CDynamax.h, `dx_ssd`.
public final class SSDParameters: Sendable {
    /// The logarithms of the rates at which states decay, [heads].
    public let decayLogarithms: Tensor
    /// The skip connection, [heads].
    public let d: Tensor
    /// [heads]
    public let timeStepBias: Tensor
    /// The range that time steps are clamped to.
    public let timeStepLimit: ClosedRange<Float>
    /// Channels of one head.
    public let headWidth: Int
    /// Groups of heads that share B and C.
    public let groups: Int
    /// Numbers of state for each channel.
    public let states: Int
    /// -exp(decayLogarithms), [heads]
    let a: Tensor

    /// Takes the parameters under their names in checkpoints.
    ///
    /// - Parameters:
    ///   - decayLogarithms: A_log, [heads]
    ///   - d: D, [heads]
    ///   - timeStepBias: dt_bias, [heads]
    ///   - timeStepLimit: time steps are clamped to it.
    ///   - headWidth: channels of a head.
    ///   - groups: of heads that share B and C.
    ///   - states: of each channel.
    public init(
        decayLogarithms: Tensor, d: Tensor, timeStepBias: Tensor, timeStepLimit: ClosedRange<Float>, headWidth: Int,
        groups: Int, states: Int
    ) {
        self.decayLogarithms = decayLogarithms
        self.d = d
        self.timeStepBias = timeStepBias
        self.timeStepLimit = timeStepLimit
        self.headWidth = headWidth
        self.groups = groups
        self.states = states
        a = decayLogarithms.negatedExponential()
    }

    /// These parameters with what depends on them computed anew, where learning may have changed them.
    public var current: SSDParameters {
        guard decayLogarithms.isTracked else { return self }
        return SSDParameters(
            decayLogarithms: decayLogarithms, d: d, timeStepBias: timeStepBias, timeStepLimit: timeStepLimit,
            headWidth: headWidth, groups: groups, states: states)
    }

    /// The number of heads.
    public var heads: Int { a.shape.count }

    /// Numbers in the state of one sequence.
    public var stateFloats: Int { heads * states * blocks(of: headWidth) * Int(DX_LANES) }

    /// What a recurrence reads, row by row.
    package struct Inputs {
        /// After the convolution, [rows, heads * headWidth].
        package let x: Tensor
        /// Before bias and softplus, [rows, heads].
        package let timeStep: Tensor
        /// [rows, groups * states]
        package let b: Tensor
        /// [rows, groups * states]; nil where only the states are to move.
        package let c: Tensor?

        package init(x: Tensor, timeStep: Tensor, b: Tensor, c: Tensor? = nil) {
            (self.x, self.timeStep, self.b, self.c) = (x, timeStep, b, c)
        }
    }

    /// Advances the states and, if `y` is given, writes the outputs to it, [rows, heads * headWidth].
    package func run(_ sequences: UnsafeBufferPointer<dx_sequence>, _ inputs: Inputs, into y: Tensor?) {
        let arguments = dx_ssd(
            sequences: sequences.baseAddress, count: Int64(sequences.count), heads: Int64(heads),
            groups: Int64(groups), width: Int64(headWidth), states: Int64(states), x: inputs.x.pointer,
            dt: inputs.timeStep.pointer, b: inputs.b.pointer, c: inputs.c?.pointer,
            x_stride: Int64(inputs.x.rowStride), dt_stride: Int64(inputs.timeStep.rowStride),
            b_stride: Int64(inputs.b.rowStride), c_stride: Int64(inputs.c?.rowStride ?? 0), a: a.pointer,
            d: d.pointer, dt_bias: timeStepBias.pointer, low: timeStepLimit.lowerBound,
            high: timeStepLimit.upperBound, y: y?.mutablePointer, y_stride: Int64(y?.rowStride ?? 0))
        let device = inputs.x.device
        device.run(device.kernels.pointee.ssd, arguments, units: sequences.count * heads)
        extendLifetime(self)
        extendLifetime(inputs)
        extendLifetime(y)
    }

    /// The result `y` of `run`, on the tape.
    package func recorded(_ y: Tensor, _ inputs: Inputs, _ sequences: UnsafeBufferPointer<dx_sequence>) -> Tensor {
        guard let c = inputs.c else { return y }
        return y.recorded([inputs.x, inputs.timeStep, inputs.b, c, a, d, timeStepBias]) {
            .ssd(
                .init(
                    x: inputs.x, timeStep: inputs.timeStep, b: inputs.b, c: c, parameters: self,
                    sequences: sequences.freshRows))
        }
    }
}
