public import DynamaxTensor

/// Rotary position embedding (Su et al. 2021): pair i of a head turns by position * frequency[i].
public struct RotaryEmbedding: Sendable {
    /// Radians a position, one for each pair of columns.
    public let frequencies: [Float]
    /// Multiplies cosines and sines (YaRN's attention factor).
    public let amplitude: Float
    /// Whether pairs are (2i, 2i + 1), as in native Llama files, rather than (i, i + half).
    public let interleaved: Bool

    /// How frequencies differ from base^(-2i / width) to reach beyond the trained context.
    public enum Scaling: Sendable {
        case none
        /// All positions divided by a factor (position interpolation).
        case linear(factor: Double)
        /// Llama 3.1: low frequencies divided by `factor`, high ones kept, a ramp between.
        case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Double)
        /// YaRN (Peng et al. 2023, section 3.2): interpolation for long wavelengths, extrapolation for short ones.
        case yarn(
            factor: Double, betaFast: Double, betaSlow: Double, originalContext: Double, attentionFactor: Double,
            truncate: Bool)
        /// Each frequency divided by a number of its own.
        case divisors([Float])
    }

    /// - Parameters:
    ///   - width: rotated columns of each head, an even number.
    ///   - base: theta, above zero.
    ///   - scaling: how the trained context is reached beyond.
    ///   - interleaved: whether neighbouring columns are pairs.
    public init(width: Int, base: Double, scaling: Scaling = .none, interleaved: Bool = false) {
        let plain = (0..<width / 2).map { power(base, -Double(2 * $0) / Double(width)) }
        var amplitude = 1.0
        let scaled: [Double]
        switch scaling {
        case .none:
            scaled = plain
        case .linear(let factor):
            scaled = plain.map { $0 / factor }
        case .llama3(let factor, let low, let high, let original):
            scaled = plain.map { frequency in
                let turns = original * frequency / (2 * .pi)  // over the original context
                if turns < low { return frequency / factor }
                if turns > high { return frequency }
                let smooth = (turns - low) / (high - low)
                return (1 - smooth) * frequency / factor + smooth * frequency
            }
        case .yarn(let factor, let fast, let slow, let original, let attentionFactor, let truncate):
            // The index of the pair that makes `turns` turns over the original context.
            func index(_ turns: Double) -> Double {
                Double(width) * logarithm(original / (turns * 2 * .pi)) / (2 * logarithm(base))
            }
            let low = max(truncate ? index(fast).rounded(.down) : index(fast), 0)
            let high = min(truncate ? index(slow).rounded(.up) : index(slow), Double(width - 1))
            scaled = plain.enumerated().map { pair, frequency in
                let ramp = min(max((Double(pair) - low) / max(high - low, 0.001), 0), 1)
                return frequency / factor * ramp + frequency * (1 - ramp)
            }
            amplitude = attentionFactor
        case .divisors(let divisors):
            scaled = zip(plain, divisors).map { $0 / Double($1) }
        }
        frequencies = scaled.map(Float.init)
        self.amplitude = Float(amplitude)
        self.interleaved = interleaved
    }

    /// The angles of the given positions, one row each.
    public func angles(of positions: Span<Int>, on device: Device) -> RotaryAngles {
        let shape = Shape(rows: positions.count, columns: frequencies.count)
        let cosines = Tensor(uninitialized: shape, on: device)
        let sines = Tensor(uninitialized: shape, on: device)
        var index = 0
        for row in positions.indices {
            for frequency in frequencies {
                let angle = Float(positions[row]) * frequency
                cosines.mutablePointer[index] = cosine(angle) * amplitude
                sines.mutablePointer[index] = sine(angle) * amplitude
                index += 1
            }
        }
        return RotaryAngles(cosines: cosines, sines: sines, interleaved: interleaved)
    }
}
