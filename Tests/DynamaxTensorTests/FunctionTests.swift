// Oracle: the functions of the C library in Double.
import CDynamax
import Foundation
import TestSupport
import Testing

/// The transcendental functions of the kernels are inlined into them, so each is observed through a kernel that does little else.
@Suite struct FunctionTests {
    /// Many floats of each magnitude, and the special ones.
    static let floats: [Float] =
        stride(from: UInt32(0), to: 0xff80_0000, by: 49_999).map(Float.init(bitPattern:)).filter { !$0.isNaN }
        + stride(from: Float(-110), to: 95, by: 0.0071)
        + [0, -0.0, .infinity, -.infinity, 88.72283, 88.72284, -103.97, -103.98, -87.336, .leastNonzeroMagnitude]

    @Test(arguments: ["scalar"] + Tables.vectorNames)
    func `exp is within 1.1 units in the last place`(table: String) throws {
        // A Mamba-2 head with one state of 1, no input and steps of 1 becomes exp(a).
        let kernels = try #require(Tables.named(table)), a = Self.floats
        let problem = SSDProblem(
            lengths: [1], heads: a.count, groups: 1, width: 1, states: 1, full: false, wantsOutput: false, low: 1,
            high: 1,
            decays: false)
        var inputs = problem.inputLengths.mapValues { [Float](repeating: 0, count: $0) }
        inputs["a"] = a
        inputs["state"] = inputs["state"]!.map { _ in 1 }
        let state = problem.run(kernels, KernelBench(inputs))["state"]!
        var worst = 0.0
        for (x, y) in zip(a, state) { worst = max(worst, ulps(y, exp(Double(x)))) }
        #expect(worst < 1.1)
    }

    @Test(arguments: ["scalar"] + Tables.vectorNames)
    func `softplus is within 3 units in the last place`(table: String) throws {
        // A Mamba-1 state of 0 with A = 0 and x = B = 1 becomes softplus(dt).
        let kernels = try #require(Tables.named(table)), raw = Self.floats.filter { $0 > -87 && $0 < .infinity }
        let problem = ScanProblem(lengths: [1], channels: raw.count, states: 1, full: false, wantsOutput: false)
        var inputs = problem.inputLengths.mapValues { [Float](repeating: 0, count: $0) }
        inputs["dt"] = raw
        inputs["x"] = raw.map { _ in 1 }
        inputs["b"] = [1]
        let state = problem.run(kernels, KernelBench(inputs))["state"]!
        var worst = 0.0
        for (x, y) in zip(raw, state) {
            worst = max(worst, ulps(y, x > 40 ? Double(x) : log1p(exp(Double(x)))))
        }
        #expect(worst < 3)
    }

    @Test(arguments: ["scalar"] + Tables.vectorNames)
    func `silu is within 3 units in the last place`(table: String) throws {
        let kernels = try #require(Tables.named(table)), gate = Self.floats.filter { $0 > -87 && $0 < .infinity }
        let problem = SwiGLUProblem(rows: 1, width: gate.count)
        let y = problem.run(kernels, KernelBench(["gate": gate, "up": gate.map { _ in 1 }]))["y"]!
        var worst = 0.0
        for (x, y) in zip(gate, y) { worst = max(worst, ulps(y, Double(x) / (1 + exp(-Double(x))))) }
        #expect(worst < 3)
    }

    @Test func `far from zero silu is x or nothing`() {
        let problem = SwiGLUProblem(rows: 1, width: 5)
        let gate: [Float] = [-.greatestFiniteMagnitude, -200, 200, .greatestFiniteMagnitude, .nan]
        let y = problem.run(Tables.scalar, KernelBench(["gate": gate, "up": gate.map { _ in 1 }]))["y"]!
        #expect(y[0] == 0 && y[1] == 0 && y[2] == 200 && y[3] == .greatestFiniteMagnitude && y[4].isNaN)
    }

    @Test func `the logarithm of equal weights is that of their number`() {
        for width in [1, 2, 3, 7, 100, 4096, 33333] {
            let problem = SummarizeProblem(rows: 1, width: width)
            let y = problem.run(Tables.scalar, KernelBench(["x": [Float](repeating: 5, count: width)]))["y"]!
            #expect(ulps(y[4], log(Double(width))) < 2)
            #expect(y[0] == 0 && y[1] == 5 && y[2] == (width == 1 ? -.infinity : 5))
        }
    }

    @Test(arguments: ["scalar"] + Tables.vectorNames)
    func `summaries of odd logits`(table: String) throws {
        let kernels = try #require(Tables.named(table)), problem = SummarizeProblem(rows: 1, width: 40)
        func summary(_ change: (inout [Float]) -> Void) -> [Float] {
            var x = [Float](repeating: -1, count: 40)
            change(&x)
            return problem.run(kernels, KernelBench(["x": x]))["y"]!
        }
        let bad = summary { $0[39] = .nan }
        #expect(bad[0] == -1 && bad[1...].allSatisfy { $0.isNaN })
        let masked = summary { x in for i in 0..<39 { x[i] = -.infinity } }
        #expect(masked == [39, -1, -.infinity, -1, 0])
        let certain = summary { $0[17] = .infinity }
        #expect(certain == [17, .infinity, -1, .infinity, 0])
        let tied = summary { ($0[21], $0[5]) = (3, 3) }
        #expect(tied[0] == 5 && tied[1] == 3 && tied[2] == 3)
        let none = summary { x in for i in 0..<40 { x[i] = -.infinity } }
        #expect(none[0] == 0 && none[1] == -.infinity && none[3] == -.infinity)
    }

    /// The distance from the nearest float to the truth, in units of its last place.
    private func ulps(_ value: Float, _ truth: Double) -> Double {
        let nearest = Float(truth)
        if value == nearest { return 0 }
        guard value.isFinite, nearest.isFinite else { return .infinity }
        return abs(Double(value) - truth) / Double(nearest.ulp)
    }
}
