import DynamaxModels
import Foundation

/// Leaves out layers at random while training, the deeper the more often, so that early layers learn to do without
/// (LayerSkip, Elhoushi et al. 2024).
public struct LayerDropout: Hashable, Sendable {
    /// The probability that the last layer is left out, at the end of the curriculum; below 1.
    public var maximum: Double
    /// Whether the probabilities rise over the steps, for training from scratch; else they are the same at all steps.
    public var rises: Bool

    /// Takes the probability for the last layer.
    public init(maximum: Double, rises: Bool = false) {
        self.maximum = maximum
        self.rises = rises
    }

    /// The probability that a layer, from 0, is left out: maximum * D(l) * S(t), with D(l) = e^(l ln 2 / (L - 1)) - 1 and
    /// S(t) = e^(t ln 2 / (T - 1)) - 1, or 1.
    public func probability(ofLayer layer: Int, of layers: Int, at step: Int, of steps: Int) -> Double {
        func curve(_ index: Int, _ count: Int) -> Double {
            count > 1 ? exp(Double(min(index, count - 1)) * log(2) / Double(count - 1)) - 1 : 1
        }
        return maximum * curve(layer, layers) * (rises ? curve(step, steps) : 1)
    }

    /// Whether each sequence of a batch runs through each layer, [layer][sequence]; it follows from seed and step alone.
    ///
    /// - Parameter part: the number of the batch within its step.
    func keeps(
        sequences: Int, layers: Int, at step: Int, of steps: Int, part: Int, seed: UInt64
    ) -> [[Bool]] {
        let stream = UInt64(truncatingIfNeeded: step) << 16 | UInt64(truncatingIfNeeded: part)
        var random = Philox(seed: seed ^ stream &* 0xD6E8_FEB8_6659_FD93)
        return (0..<layers).map { layer in
            let probability = probability(ofLayer: layer, of: layers, at: step, of: steps)
            return (0..<sequences).map { _ in Double(random.uniform()) >= probability }
        }
    }
}
