import CDynamax

// Steps of optimizers, in place. Formulas: CDynamaxGradients.h, section "Optimizers".

/// The settings of one step of Adam.
public struct AdamStep: Sendable {
    /// The learning rate.
    public var rate: Float
    /// The weight decay.
    public var decay: Float
    /// How much of the mean of gradients is kept.
    public var beta1: Float
    /// How much of the mean of squared gradients is kept.
    public var beta2: Float
    /// Keeps steps finite where gradients vanish.
    public var epsilon: Float
    /// Multiplies the gradient: clipping, say.
    public var gradientScale: Float
    /// Whether decay is part of the gradient (Adam) instead of a step of its own (AdamW).
    public var isCoupled: Bool

    /// Takes the settings; PyTorch's defaults for AdamW.
    public init(
        rate: Float, decay: Float = 0.01, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8,
        gradientScale: Float = 1, isCoupled: Bool = false
    ) {
        self.rate = rate
        self.decay = decay
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.gradientScale = gradientScale
        self.isCoupled = isCoupled
    }
}

/// The settings of one step of gradient descent with momentum.
public struct SGDStep: Sendable {
    /// The learning rate.
    public var rate: Float
    /// The weight decay, part of the gradient.
    public var decay: Float
    /// How much of the last step is kept.
    public var momentum: Float
    /// How much of the gradient is left out of the momentum.
    public var dampening: Float
    /// Whether the gradient is looked at after the momentum's step.
    public var isNesterov: Bool
    /// Multiplies the gradient: clipping, say.
    public var gradientScale: Float

    /// Takes the settings; PyTorch's defaults.
    public init(
        rate: Float, decay: Float = 0, momentum: Float = 0, dampening: Float = 0, isNesterov: Bool = false,
        gradientScale: Float = 1
    ) {
        self.rate = rate
        self.decay = decay
        self.momentum = momentum
        self.dampening = dampening
        self.isNesterov = isNesterov
        self.gradientScale = gradientScale
    }
}

extension Tensor {
    /// Moves a parameter by one step of Adam, and the means with it.
    ///
    /// - Parameters:
    ///   - step: rate, decays and the rest that all parameters share.
    ///   - number: of the step, from 1.
    ///   - gradient: of this tensor's shape.
    ///   - mean: of gradients, zeros at first; of this tensor's shape.
    ///   - square: mean of squared gradients, likewise.
    ///   - largestSquare: with amsgrad, the largest of these so far, likewise.
    public func move(
        _ step: AdamStep, number: Int, gradient: Tensor, mean: Tensor, square: Tensor, largestSquare: Tensor? = nil
    ) {
        let gradient = gradient.contiguous
        precondition(isContiguous && gradient.shape.count == shape.count)
        let arguments = dx_adam(
            count: Int64(shape.count), parameters: mutablePointer, m: mean.mutablePointer, v: square.mutablePointer,
            vmax: largestSquare?.mutablePointer, gradients: gradient.pointer, rate: step.rate, decay: step.decay,
            beta1: step.beta1, beta2: step.beta2, epsilon: step.epsilon,
            correction1: Float(1 - power(Double(step.beta1), Double(number))),
            correction2: Float(1 - power(Double(step.beta2), Double(number))), gradient_scale: step.gradientScale,
            coupled: step.isCoupled)
        device.run(device.gradientKernels.pointee.adam, arguments, units: blocks(of: shape.count), grain: 256)
        extendLifetime(self)
        extendLifetime(gradient)
        extendLifetime(mean)
        extendLifetime(square)
        extendLifetime(largestSquare)
    }

    /// Moves a parameter by one step of gradient descent, and the momentum with it.
    ///
    /// - Parameters:
    ///   - step: rate, decay and the rest that all parameters share.
    ///   - isFirst: whether the momentum starts with this step.
    ///   - gradient: of this tensor's shape.
    ///   - momentum: of this tensor's shape; nil where the step keeps none.
    public func move(_ step: SGDStep, isFirst: Bool, gradient: Tensor, momentum: Tensor?) {
        let gradient = gradient.contiguous
        precondition(isContiguous && gradient.shape.count == shape.count)
        let arguments = dx_sgd(
            count: Int64(shape.count), parameters: mutablePointer, momentum_buffer: momentum?.mutablePointer,
            gradients: gradient.pointer, rate: step.rate, decay: step.decay, momentum: step.momentum,
            dampening: step.dampening, gradient_scale: step.gradientScale, nesterov: step.isNesterov, first: isFirst)
        device.run(device.gradientKernels.pointee.sgd, arguments, units: blocks(of: shape.count), grain: 256)
        extendLifetime(self)
        extendLifetime(gradient)
        extendLifetime(momentum)
    }

    /// The sum of the squares of all numbers, in Double.
    public var squaredNorm: Double {
        let numbers = contiguous, chunk = Int(DX_SQUARES)
        let chunks = (shape.count + chunk - 1) / chunk
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: max(1, chunks)) { sums in
            let arguments = dx_square_sums(
                count: Int64(shape.count), x: numbers.pointer, sums: sums.baseAddress)
            device.run(device.gradientKernels.pointee.square_sums, arguments, units: chunks, grain: 8)
            extendLifetime(numbers)
            return sums[..<chunks].reduce(0, +)
        }
    }
}
