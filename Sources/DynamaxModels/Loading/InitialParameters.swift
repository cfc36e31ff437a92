import DynamaxTensor

/// Parameters to begin learning with.
///
/// Matrices are normally distributed with a deviation of 0.02, those that write to the residual stream less by the square
/// root of twice the number of layers (Radford et al. 2019); norms are 1, biases 0. State-space parameters as in the
/// papers: decay rates from 1 to 16, or to the number of states (Mamba-1), time steps from 0.001 to 0.1 evenly in their
/// logarithm, skip connections 1. Translators add nothing at first, so that they are the identity.
package final class InitialParameters: ParameterSource, Sendable {
    package let location = "initial parameters"
    private let seed: UInt64
    private let residualScale: Float

    /// - Parameter layers: of the model.
    package init(seed: UInt64, layers: Int) {
        self.seed = seed
        residualScale = 1 / Float(2 * max(layers, 1)).squareRoot()
    }

    package func has(_ name: String) -> Bool { true }

    package func matrix(_ name: String, rows: Int, columns: Int) throws -> StoredMatrix {
        let deviation: Float =
            name.hasSuffix("translator.weight") ? 0 : 0.02 * (writesToResidual(name) ? residualScale : 1)
        let numbers = normal(name, rows * columns, deviation: deviation)
        return StoredMatrix(rows: MemoryRows(rows: rows, columns: columns, numbers: numbers), format: .f32, release: {})
    }

    package func numbers(_ name: String, shape: [Int]) throws -> [Float] {
        let count = shape.reduce(1, *)
        var random = generator(name)
        if name.hasSuffix("norm.weight") || name.hasSuffix("layernorm.weight") || name.hasSuffix("norm_f.weight") {
            return [Float](repeating: 1, count: count)
        }
        if name.hasSuffix("A_log") {
            // Mamba-1: 1 to the number of states for each channel; Mamba-2: anywhere from 1 to 16.
            return shape.count == 2
                ? (0..<count).map { logarithm(Float($0 % shape[1] + 1)) }
                : (0..<count).map { _ in logarithm(1 + 15 * random.uniform()) }
        }
        if name.hasSuffix(".D") { return [Float](repeating: 1, count: count) }
        if name.hasSuffix("dt_bias") || name.hasSuffix("dt_proj.bias") {
            return (0..<count).map { _ in
                let step = exponential(logarithm(Float(0.001)) + random.uniform() * logarithm(Float(100)))
                return step + logarithm(1 - exponential(-step))  // its softplus is the step
            }
        }
        if name.hasSuffix("conv1d.weight") {
            let bound = 1 / Float(shape.last ?? 4).squareRoot()
            return (0..<count).map { _ in (2 * random.uniform() - 1) * bound }
        }
        return [Float](repeating: 0, count: count)
    }

    private func writesToResidual(_ name: String) -> Bool {
        ["o_proj.weight", "down_proj.weight", "out_proj.weight"].contains { name.hasSuffix($0) }
    }

    private func normal(_ name: String, _ count: Int, deviation: Float) -> [Float] {
        var random = generator(name)
        return (0..<count).map { _ in random.normal() * deviation }
    }

    /// Each parameter has random numbers of its own, whatever else the model holds.
    private func generator(_ name: String) -> Philox {
        Philox(seed: name.utf8.reduce(seed ^ 0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }
}

/// A matrix in memory.
private struct MemoryRows: RowSource {
    let rows: Int
    let columns: Int
    let numbers: [Float]

    func copyRows(_ range: Range<Int>, to target: UnsafeMutablePointer<Float>) {
        numbers.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            target.update(from: base + range.lowerBound * columns, count: range.count * columns)
        }
    }
}
