package import CDynamax

/// The parameters of a causal depthwise convolution over the last few positions, followed by silu.
///
/// Formula and state: CDynamax.h, `dx_convolve`. Like the recurrences, it moves the states of its sequences, which must belong to
/// them alone.
public final class ConvolutionParameters: Sendable {
    /// [taps, channels]
    public let weights: Tensor
    /// [channels]
    public let bias: Tensor?

    /// Takes weights of 2 to 8 taps.
    public init(weights: Tensor, bias: Tensor?) {
        self.weights = weights
        self.bias = bias
    }

    /// The number of channels.
    public var channels: Int { weights.columns }

    /// Numbers that a sequence keeps: the inputs of the last taps - 1 positions.
    public var windowFloats: Int { (weights.rows - 1) * weights.columns }

    /// Moves the windows over the rows of `x`, [rows, channels], and writes to `y` of the same shape.
    package func run(_ sequences: UnsafeBufferPointer<dx_sequence>, _ x: Tensor, into y: Tensor) {
        let arguments = dx_convolve(
            sequences: sequences.baseAddress, count: Int64(sequences.count), channels: Int64(channels),
            taps: Int64(weights.rows), x: x.pointer, x_stride: Int64(x.rowStride), weights: weights.pointer,
            bias: bias?.pointer, silu: true, y: y.mutablePointer, y_stride: Int64(y.rowStride))
        x.device.run(
            x.device.kernels.pointee.convolve, arguments, units: sequences.count * blocks(of: channels),
            grain: max(4, 20 / x.rows))
        extendLifetime(self)
        extendLifetime(x)
        extendLifetime(y)
    }

    /// The result `y` of `run`, on the tape.
    package func recorded(_ y: Tensor, _ x: Tensor, _ sequences: UnsafeBufferPointer<dx_sequence>) -> Tensor {
        y.recorded([x, weights, bias]) {
            .convolution(.init(x: x, weights: weights, bias: bias, sequences: sequences.freshRows))
        }
    }
}
