import DynamaxTensor

/// AdamW over the parameters of heads, with gradients cut to a norm of 1.
struct HeadOptimizer {
    private let tensors: [Tensor]
    private let means: [Tensor]
    private let squares: [Tensor]
    private var steps = 0

    init(_ tensors: [Tensor]) {
        self.tensors = tensors
        means = tensors.map { Tensor(zeros: $0.shape, on: $0.device) }
        squares = tensors.map { Tensor(zeros: $0.shape, on: $0.device) }
    }

    /// The share of the learning rate in a step, counted from 1: a straight fall to nothing, after a short rise.
    static func share(_ step: Int, of steps: Int) -> Float {
        min(1, Float(step) / 20) * (1.02 - Float(step) / Float(steps))
    }

    /// Moves the parameters by one step.
    ///
    /// - Parameter gradients: of losses that add up, each parameter in at most one of them.
    mutating func step(_ gradients: [Gradients], rate: Float, decay: Float) {
        steps += 1
        let all = tensors.map { tensor in gradients.lazy.compactMap { $0[tensor] }.first }
        let norm = all.reduce(0.0) { $0 + ($1?.squaredNorm ?? 0) }.squareRoot()
        for index in tensors.indices {
            guard let gradient = all[index] else { continue }
            tensors[index].move(
                AdamStep(rate: rate, decay: decay, beta2: 0.99, gradientScale: norm > 1 ? Float(1 / norm) : 1),
                number: steps, gradient: gradient, mean: means[index], square: squares[index])
        }
    }
}
