import CDynamax
import DynamaxTensor

/// The depthwise convolution over the last few positions that Mamba layers begin with, followed by silu.
struct CausalConvolution: Sendable {
    /// [taps, channels]
    let weights: Tensor
    /// [channels]
    let bias: Tensor?

    /// Loads `conv1d` of a mixer, stored as [channels, 1, taps].
    init(_ mixer: Parameters, channels: Int, taps: Int, bias: Bool) throws {
        let stored = try mixer.numbers("conv1d.weight", [channels, 1, taps])
        var transposed = [Float](repeating: 0, count: stored.count)
        for channel in 0..<channels {
            for tap in 0..<taps { transposed[tap * channels + channel] = stored[channel * taps + tap] }
        }
        weights = Tensor(transposed, Shape(rows: taps, columns: channels), on: mixer.device)
        self.bias = bias ? try mixer.vector("conv1d.bias", channels) : nil
    }

    /// Numbers that a sequence keeps: the inputs of the last taps - 1 positions.
    var windowFloats: Int { (weights.rows - 1) * weights.columns }

    /// Maps the rows of `x`, [rows, channels], to `y` of the same shape, and moves the windows.
    func callAsFunction(_ sequences: UnsafeBufferPointer<dx_sequence>, _ x: Tensor, into y: Tensor) {
        x.convolved(sequences, weights: weights, bias: bias, into: y)
    }
}
