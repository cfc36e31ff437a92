// Oracle: central differences of the operations' plain definitions, in Double.
import CDynamax
import Foundation
import TestSupport
import Testing

@Suite struct GradientDifferenceTests {
    /// Compares the slope of sum(dy * y) in a random direction with what the gradients say it is.
    private func check(
        _ problem: any GradientCase, _ inputs: [String: [Float]], gradients: [String: [Float]],
        output: ([String: [Double]]) -> [Double], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var random = Seeded(99)
        let names = inputs.keys.filter { gradients["d\($0)"] != nil }.sorted()
        let direction = Dictionary(uniqueKeysWithValues: names.map { ($0, random.floats(inputs[$0]!.count)) })
        func loss(_ distance: Double) -> Double {
            let moved = inputs.map { name, values in
                (name, values.indices.map { Double(values[$0]) + distance * Double(direction[name]?[$0] ?? 0) })
            }
            let y = output(Dictionary(uniqueKeysWithValues: moved))
            return zip(y, inputs["dy"]!).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        var slope = 0.0, size = 0.0
        for name in names {
            for (gradient, step) in zip(gradients["d\(name)"]!, direction[name]!) {
                slope += Double(gradient) * Double(step)
                size += pow(Double(gradient) * Double(step), 2)
            }
        }
        let expected = (loss(1e-4) - loss(-1e-4)) / 2e-4
        #expect(abs(slope - expected) < 1e-4 * size.squareRoot(), sourceLocation: sourceLocation)
    }

    private func inputs(_ problem: any GradientCase, seed: UInt64) -> [String: [Float]] {
        var random = Seeded(seed)
        return Dictionary(
            uniqueKeysWithValues: problem.inputLengths.sorted { $0.key < $1.key }.map {
                ($0.key, random.floats($0.value))
            })
    }

    private var kernels: dx_gradient_kernels { dx_gradient_kernels_of(DX_SCALAR)!.pointee }

    @Test func `gated norm`() {
        let problem = RMSNormCase(rows: 2, width: 24, group: 12, gated: true), values = inputs(problem, seed: 1)
        let results = problem.run(kernels, KernelBench(values))
        check(problem, values.filter { $0.key != "weight" }, gradients: results) { inputs in
            let gated = zip(inputs["x"]!, inputs["gate"]!).map { $0 * silu($1) }
            return gated.indices.map { index in
                let group = gated[(index / 12 * 12)..<(index / 12 * 12 + 12)]
                let mean = group.reduce(0) { $0 + $1 * $1 } / 12
                return gated[index] / (mean + 1e-5).squareRoot() * Double(values["weight"]![index % 24])
            }
        }
    }

    @Test func `attention with a window`() {
        let problem = AttentionCase(lengths: [9, 4], heads: 2, kvHeads: 1, width: 6, window: 5)
        var values = inputs(problem, seed: 2)
        func output(_ inputs: [String: [Double]]) -> [Double] {
            var y = [Double](repeating: 0, count: 13 * 12)
            for (start, length) in [(0, 9), (9, 4)] {
                for i in 0..<length {
                    for head in 0..<2 {
                        let query = inputs["queries"]![((start + i) * 12 + head * 6)...].prefix(6)
                        let seen = max(0, i - 4)...i
                        let weights = seen.map { j in
                            exp(0.22 * zip(query, inputs["keys"]![((start + j) * 6)...]).reduce(0) { $0 + $1.0 * $1.1 })
                        }
                        let sum = weights.reduce(0, +)
                        for (j, weight) in zip(seen, weights) {
                            for d in 0..<6 {
                                y[(start + i) * 12 + head * 6 + d] +=
                                    weight / sum * inputs["values"]![(start + j) * 6 + d]
                            }
                        }
                    }
                }
            }
            return y
        }
        values["y"] = output(values.mapValues { $0.map(Double.init) }).map(Float.init)
        check(problem, values, gradients: problem.run(kernels, KernelBench(values)), output: output)
    }

    @Test func `Mamba-2 recurrence`() {
        // Chunks have 16 rows. No time step comes near a limit, where the slope jumps.
        let problem = SSDCase(lengths: [37], heads: 2, groups: 1, width: 3, states: 4)
        let values = inputs(problem, seed: 3).merging(["a": [-0.4, -1.3]]) { $1 }
        let results = problem.gathered(problem.run(kernels, KernelBench(values)))
        check(problem, values, gradients: results) { inputs in
            var state = [Double](repeating: 0, count: 2 * 4 * 3), y: [Double] = []
            for row in 0..<37 {
                for head in 0..<2 {
                    let step = log1p(exp(inputs["dt"]![row * 2 + head] + inputs["dt_bias"]![head]))
                    for j in 0..<3 {
                        let x = inputs["x"]![row * 6 + head * 3 + j]
                        var sum = inputs["d"]![head] * x
                        for n in 0..<4 {
                            let at = (head * 4 + n) * 3 + j
                            state[at] =
                                exp(step * inputs["a"]![head]) * state[at] + inputs["b"]![row * 4 + n] * step * x
                            sum += state[at] * inputs["c"]![row * 4 + n]
                        }
                        y.append(sum)
                    }
                }
            }
            return y
        }
    }
}

private func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }
