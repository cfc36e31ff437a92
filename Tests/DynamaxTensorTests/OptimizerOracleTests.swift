// Oracle: torch.optim in float64, through Tests/Fixtures/Scripts/make_gradient_fixtures.py.
import CDynamax
import DynamaxFormats
import Foundation
import TestSupport
import Testing

@Suite struct OptimizerOracleTests {
    static let cases: [(name: String, algorithm: OptimizerCase.Algorithm)] = [
        ("adamw", .adam(coupled: false, amsgrad: false)), ("adamw.amsgrad", .adam(coupled: false, amsgrad: true)),
        ("adam", .adam(coupled: true, amsgrad: false)), ("sgd", .sgd(momentum: 0, dampening: 0, nesterov: false)),
        ("sgd.momentum", .sgd(momentum: 0.9, dampening: 0.3, nesterov: false)),
        ("sgd.nesterov", .sgd(momentum: 0.9, dampening: 0, nesterov: true)),
    ]

    @Test(arguments: cases)
    func `parameters move as in torch`(name: String, algorithm: OptimizerCase.Algorithm) throws {
        let file = try SafetensorsFile(Fixtures.url("gradients/optimizers.safetensors").path)
        let kernels = try #require(dx_gradient_kernels_of(DX_SCALAR)).pointee
        let gradients = try file.require("\(name).gradients").floats(),
            after = try file.require("\(name).after").floats()
        var state = ["parameters": try file.require("\(name).parameters").floats()]
        let count = state["parameters"]!.count
        for moment in ["m", "v", "vmax"] { state[moment] = [Float](repeating: 0, count: count) }
        for step in 1...5 {
            let range = (step - 1) * count..<step * count
            // Clipping: a gradient of four times the size, taken at a quarter.
            state["gradients"] = gradients[range].map { $0 * 4 }
            let problem = OptimizerCase(algorithm: algorithm, count: count, step: step, gradientScale: 0.25)
            state.merge(problem.run(kernels, KernelBench(state))) { $1 }
            #expect(relativeError(state["parameters"]!, Array(after[range])) < 1e-5, "step \(step)")
        }
    }
}
