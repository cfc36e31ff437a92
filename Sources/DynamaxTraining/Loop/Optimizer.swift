import DynamaxFormats
import DynamaxModels
import DynamaxTensor

/// Moves parameters along their gradients, and remembers what it needs from step to step.
struct Optimizer {
    private let settings: TrainingConfiguration.Optimizer
    private let parameters: [Parameter]
    /// Steps taken.
    private(set) var steps = 0

    private struct Parameter {
        let entry: TrainableParameters.Entry
        let group: ParameterGroup?
        /// Running means, by name, each of the parameter's shape.
        let memory: [(name: String, tensor: Tensor)]

        var name: String { entry.parameters[0].name }
    }

    /// - Parameters:
    ///   - location: what to name in errors about groups.
    init(
        _ settings: TrainingConfiguration.Optimizer, _ parameters: TrainableParameters, location: String
    ) throws(FormatError) {
        self.settings = settings
        let memories: [String] =
            switch settings.kind {
            case .adamw, .adam: ["exp_avg", "exp_avg_sq"]
            case .sgd: settings.momentum > 0 ? ["momentum_buffer"] : []
            }
        self.parameters = parameters.entries.map { entry in
            let group = settings.groups.group(of: entry.parameters.map(\.name))
            let names = group?.isFrozen ?? false ? [] : memories
            return Parameter(
                entry: entry, group: group,
                memory: names.map { ($0, Tensor(zeros: entry.tensor.shape, on: entry.tensor.device)) })
        }
        for (index, group) in settings.groups.enumerated() {
            let isUsed = parameters.entries.contains { entry in
                entry.parameters.contains { group.match.matches($0.name) }
            }
            guard isUsed else {
                throw FormatError(
                    .mismatch, location,
                    "the field optimizer.groups[\(index)].match must fit a parameter, which \"\(group.match.pattern)\" does not"
                )
            }
        }
    }

    /// The norm of all gradients that move something, together.
    func norm(_ gradients: AccumulatedGradients) -> Double {
        parameters.reduce(0.0) { sum, parameter in
            guard !(parameter.group?.isFrozen ?? false) else { return sum }
            return sum + (gradients[parameter.entry]?.squaredNorm ?? 0)
        }.squareRoot()
    }

    /// Takes a step.
    ///
    /// - Parameters:
    ///   - rate: factor of the learning rate.
    ///   - norm: of the gradients, which are scaled down to `clip`.
    mutating func step(_ gradients: AccumulatedGradients, rate: Double, norm: Double) {
        steps += 1
        let scale = norm > settings.clip ? settings.clip / norm : 1
        for parameter in parameters {
            guard let gradient = gradients[parameter.entry], !(parameter.group?.isFrozen ?? false) else { continue }
            let memory = parameter.memory.map(\.tensor)
            let rate = Float(settings.rate * rate * (parameter.group?.rate ?? 1))
            let decay = Float(parameter.group?.decay ?? settings.decay)
            switch settings.kind {
            case .adamw, .adam:
                parameter.entry.tensor.move(
                    AdamStep(
                        rate: rate, decay: decay, beta1: Float(settings.beta1), beta2: Float(settings.beta2),
                        epsilon: Float(settings.epsilon), gradientScale: Float(scale),
                        isCoupled: settings.kind == .adam),
                    number: steps, gradient: gradient, mean: memory[0], square: memory[1])
            case .sgd:
                parameter.entry.tensor.move(
                    SGDStep(
                        rate: rate, decay: decay, momentum: Float(settings.momentum), gradientScale: Float(scale)),
                    isFirst: steps == 1, gradient: gradient, momentum: memory.first)
            }
        }
    }

    // MARK: Files

    /// Writes what is remembered, under the name of the first parameter of each leaf.
    func write(to path: String) throws(FormatError) {
        var writer = SafetensorsWriter(metadata: ["steps": "\(steps)"])
        for parameter in parameters {
            for (name, tensor) in parameter.memory { writer.add("\(parameter.name).\(name)", tensor) }
        }
        // The format allows no file without tensors.
        writer.add("steps", integers: [Int32(truncatingIfNeeded: steps)], shape: [1])
        try writer.write(to: path)
    }

    /// Reads what was written.
    mutating func read(_ path: String, steps: Int) throws(FormatError) {
        let file = try SafetensorsFile(path)
        for parameter in parameters {
            for (name, tensor) in parameter.memory {
                let numbers = try file.require("\(parameter.name).\(name)", shape: tensor.shape.array).floats()
                tensor.update { target in for index in numbers.indices { target[index] = numbers[index] } }
            }
        }
        self.steps = steps
    }
}

/// The gradients of several batches, added up in their order.
struct AccumulatedGradients {
    private var sums: [String: Tensor] = [:]

    subscript(entry: TrainableParameters.Entry) -> Tensor? { sums[entry.parameters[0].name] }

    mutating func add(_ gradients: Gradients, of parameters: TrainableParameters) {
        for entry in parameters.entries {
            guard let gradient = gradients[entry.tensor] else { continue }
            let name = entry.parameters[0].name
            sums[name] = sums[name].map { $0.adding(gradient) } ?? gradient
        }
    }
}
