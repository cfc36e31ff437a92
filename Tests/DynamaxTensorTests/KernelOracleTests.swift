// Oracle: PyTorch, and the definitions of the recurrences, in float64: Tests/Fixtures/Scripts/make_kernel_fixtures.py.
import CDynamax
import DynamaxFormats
import Foundation
import TestSupport
import Testing

@Suite struct KernelOracleTests {
    static let cases: [(name: String, problem: any KernelProblem)] = [
        ("rms_norm.plain", RMSNormProblem(width: 37, group: 37)),
        ("rms_norm.grouped", RMSNormProblem(width: 36, group: 12)),
        ("rms_norm.gated", RMSNormProblem(width: 40, group: 20, gated: true)),
        ("rms_norm.repeated", RMSNormProblem(width: 60, group: 20, repeats: true)),
        ("rotary.halves", RotaryProblem(heads: 3, width: 20, rotated: 20)),
        ("rotary.partial", RotaryProblem(heads: 2, width: 80, rotated: 32)),
        ("rotary.neighbours", RotaryProblem(heads: 3, width: 20, rotated: 12, interleaved: true)),
        ("swiglu", SwiGLUProblem(width: 37)),
        ("softmax", SoftmaxProblem(width: 53, temperature: 0.7)),
        ("summarize", SummarizeProblem(width: 131)),
        ("cosine", CosineProblem(width: 37)),
        ("attention.full", AttentionProblem(heads: 4, kvHeads: 2, width: 20)),
        ("attention.window", AttentionProblem(heads: 4, kvHeads: 2, width: 20, window: 7)),
        ("attention.single", AttentionProblem(heads: 3, kvHeads: 1, width: 8)),
        ("convolve.bias", ConvolveProblem(channels: 21, taps: 4)),
        ("convolve.plain", ConvolveProblem(channels: 21, taps: 3, biased: false)),
        ("scan.full", ScanProblem(channels: 21, states: 18)),
        ("scan.plain", ScanProblem(channels: 21, states: 5, full: false)),
        ("ssd.full", SSDProblem(heads: 4, groups: 2, width: 20, states: 10, low: 0.3, high: 1.2)),
        ("ssd.plain", SSDProblem(heads: 2, groups: 1, width: 16, states: 19, full: false)),
    ]

    @Test(arguments: ["scalar"] + Tables.vectorNames)
    func `kernels compute what PyTorch computes`(table: String) throws {
        let kernels = try #require(Tables.named(table))
        let file = try SafetensorsFile(Fixtures.url("kernels/operations.safetensors").path)
        for (name, problem) in Self.cases {
            var stored: [String: [Float]] = [:]
            for tensor in file.tensorNames where tensor.hasPrefix("\(name).") {
                stored[String(tensor.dropFirst(name.count + 1))] = try file.require(tensor).floats()
            }
            let expected = try #require(stored["y"])
            let y = try #require(problem.run(kernels, KernelBench(stored))["y"])
            #expect(relativeError(y, expected) < 1e-6, "\(name)")
        }
    }
}
