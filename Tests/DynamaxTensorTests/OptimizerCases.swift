import CDynamax
import Foundation

/// One step of an optimizer, from the state in `parameters`, `m`, `v`, `vmax` and `momentum`.
struct OptimizerCase: GradientCase {
    enum Algorithm: Sendable {
        case adam(coupled: Bool, amsgrad: Bool)
        case sgd(momentum: Float, dampening: Float, nesterov: Bool)
    }

    static let algorithms: [Algorithm] = [
        .adam(coupled: false, amsgrad: false), .adam(coupled: false, amsgrad: true),
        .adam(coupled: true, amsgrad: false), .sgd(momentum: 0, dampening: 0, nesterov: false),
        .sgd(momentum: 0.9, dampening: 0.3, nesterov: false), .sgd(momentum: 0.9, dampening: 0, nesterov: true),
    ]

    var algorithm: Algorithm
    var count: Int
    var step = 3
    var gradientScale: Float = 1

    var inputLengths: [String: Int] {
        ["parameters": count, "gradients": count, "m": count, "v": count, "vmax": count]
    }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        switch algorithm {
        case .adam(let coupled, let amsgrad):
            // Squares are not negative; random numbers are.
            let squares = KernelBench(bench.inputs.mapValues { $0.map(abs) }, order: bench.order)
            let arguments = dx_adam(
                count: Int64(count), parameters: bench.state("parameters"), m: bench.state("m"), v: squares.state("v"),
                vmax: amsgrad ? squares.state("vmax") : nil, gradients: bench.dense("gradients"), rate: 0.05,
                decay: 0.1,
                beta1: 0.9, beta2: 0.99, epsilon: 1e-6, correction1: Float(1 - pow(0.9, Double(step))),
                correction2: Float(1 - pow(0.99, Double(step))), gradient_scale: gradientScale, coupled: coupled)
            return bench.run(kernels.adam, arguments, units: blocks(count))
                .merging(squares.run({ _, _, _ in }, 0, units: 0)) { $1 }
        case .sgd(let momentum, let dampening, let nesterov):
            let arguments = dx_sgd(
                count: Int64(count), parameters: bench.state("parameters"),
                momentum_buffer: momentum == 0 ? nil : bench.state("m"), gradients: bench.dense("gradients"), rate: 0.1,
                decay: 0.1, momentum: momentum, dampening: dampening, gradient_scale: gradientScale, nesterov: nesterov,
                first: step == 1)
            return bench.run(kernels.sgd, arguments, units: blocks(count))
        }
    }
}
