// Oracle: PyTorch's autograd in float64, through Tests/Fixtures/Scripts/make_gradient_fixtures.py.
import CDynamax
import DynamaxFormats
import Foundation
import TestSupport
import Testing

@Suite struct GradientOracleTests {
    static let cases: [(name: String, problem: any GradientCase)] = [
        ("rms_norm.plain", RMSNormCase(width: 37, group: 37)),
        ("rms_norm.grouped", RMSNormCase(width: 36, group: 12)),
        ("rms_norm.gated", RMSNormCase(width: 40, group: 20, gated: true)),
        ("rms_norm.repeated", RMSNormCase(width: 60, group: 20, repeats: true)),
        ("swiglu", SwiGLUCase(width: 37)),
        ("softmax", SoftmaxCase(width: 37)),
        ("cross_entropy", CrossEntropyCase(width: 53, targets: [3, -1, 52, 0, -100, 17])),
        ("kl_divergence", KLDivergenceCase(width: 53)),
        ("attention.full", AttentionCase(heads: 4, kvHeads: 2, width: 20)),
        ("attention.window", AttentionCase(heads: 4, kvHeads: 2, width: 20, window: 7)),
        ("attention.single", AttentionCase(heads: 2, kvHeads: 2, width: 17, scale: 0.3)),
        ("convolve.bias", ConvolveCase(channels: 21, taps: 4)),
        ("convolve.plain", ConvolveCase(channels: 21, taps: 3, hasBias: false)),
        ("scan.full", ScanCase(channels: 21, states: 18)),
        ("scan.plain", ScanCase(channels: 21, states: 5, full: false)),
        ("ssd.full", SSDCase(heads: 4, groups: 2, width: 20, states: 10, low: 0.3, high: 1.2)),
        ("ssd.plain", SSDCase(heads: 2, groups: 1, width: 16, states: 19, full: false)),
    ]

    @Test(arguments: cases.map(\.name))
    func `gradients are those of autograd`(name: String) throws {
        let problem = try #require(Self.cases.first { $0.name == name }).problem
        let file = try SafetensorsFile(Fixtures.url("gradients/operations.safetensors").path)
        var stored: [String: [Float]] = [:]
        for tensor in file.tensorNames where tensor.hasPrefix("\(name).") && !tensor.hasSuffix(".targets") {
            stored[String(tensor.dropFirst(name.count + 1))] = try file.require(tensor).floats()
        }
        let kernels = try #require(dx_gradient_kernels_of(DX_SCALAR)).pointee
        var results = problem.run(kernels, KernelBench(stored))
        switch problem {
        case let problem as ScanCase: results = problem.gathered(results)
        case let problem as SSDCase: results = problem.gathered(results)
        case is RMSNormCase:
            let products = zip(results["scaled"]!, stored["dy"]!).map(*)
            let period = stored["weight"]!.count
            results["dweight"] = summed(products, outer: 1, over: products.count / period, inner: period)
        default: break
        }
        var compared = 0
        for (tensor, values) in results {
            guard let expected = stored[tensor] else { continue }
            #expect(relativeError(values, expected) < 1e-5, "\(tensor) of \(name)")
            compared += 1
        }
        let gradients = stored.keys.filter { $0.hasPrefix("d") && stored[String($0.dropFirst())] != nil && $0 != "dy" }
        #expect(Set(gradients).isSubset(of: results.keys))
        #expect(compared >= gradients.count)
    }
}

/// The largest difference as a part of the largest number expected; NaN when one is not a number.
func relativeError(_ values: [Float], _ expected: [Float]) -> Float {
    guard values.count == expected.count else { return .nan }
    let scale = expected.map(abs).max() ?? 0
    return zip(values, expected).reduce(0) { $0.isNaN ? $0 : $1.0.isNaN ? .nan : max($0, abs($1.0 - $1.1)) }
        / (scale > 0 ? scale : 1)
}
