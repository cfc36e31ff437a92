import DynamaxFormats
public import DynamaxModels
public import DynamaxTensor

/// Trains exit heads by distillation from the full model: cross entropy with labels that say whether it would have gone on
/// the same way (DYNAMAX, section 3).
public struct HeadTrainer {
    /// How heads learn.
    public struct Settings: Sendable {
        public var label = HeadLabel.topK(1)
        public var weights = HeadWeights.decaying
        /// Whether both labels weigh the same in all (CALM's code: each weighs one minus its share).
        public var balances = true
        public var steps = 300
        /// Texts of a step.
        public var batch = 8
        public var rate: Float = 2e-3
        public var decay: Float = 0.01
        public var seed: UInt64 = 0

        /// Takes the defaults.
        public init() {}
    }

    public let heads: ExitHeads
    public let parameters: TrainableParameters
    private let settings: Settings
    private let trace: ExitTrace
    private let device: Device

    /// Makes heads for the exits of a trace.
    ///
    /// - Parameter model: digest of the model that the trace is of.
    public init(
        _ trace: ExitTrace, kind: HeadKind, model: String, settings: Settings = Settings(), on device: Device
    ) throws {
        precondition(!trace.sequences.isEmpty)
        precondition(!kind.usesHazards, "gates learn by GateTrainer")
        parameters = TrainableParameters()
        heads = try ExitHeads(
            learning: .init(model: model, width: trace.width, kind: kind, layers: trace.layers), seed: settings.seed,
            parameters: parameters, on: device)
        (self.trace, self.settings, self.device) = (trace, settings, device)
    }

    /// Trains.
    ///
    /// - Parameter report: told the loss of each step.
    public func run(report: (_ step: Int, _ loss: Float) -> Void = { _, _ in }) {
        var optimizer = HeadOptimizer(parameters.entries.map(\.tensor))
        let weights = settings.weights.values(trace.layers.count)
        let shares = trace.layers.map(shareOfPositives)
        var random = Philox(seed: settings.seed)
        for step in 1...settings.steps {
            let chosen = (0..<settings.batch).map { (_: Int) -> ExitTrace.Sequence in
                let number = Int.random(in: trace.sequences.indices, using: &random)
                return trace.sequences[number]
            }
            let (sum, gradients) = device.recording { () -> (Float, Gradients) in
                let parts = trace.layers.indices.map { index in
                    loss(chosen, trace.layers[index], weight: Float(weights[index]), positives: shares[index])
                }
                let total = parts.dropFirst().reduce(parts[0]) { $0.adding($1) }
                return (total.array[0], total.backward())
            }
            let rate = settings.rate * HeadOptimizer.share(step, of: settings.steps)
            optimizer.step([gradients], rate: rate, decay: settings.decay)
            report(step, sum)
        }
    }

    private func loss(_ sequences: [ExitTrace.Sequence], _ layer: Int, weight: Float, positives: Float) -> Tensor {
        guard let head = heads.heads[layer] else { preconditionFailure("each exit of the trace has a head") }
        let views = sequences.flatMap { $0.views[layer] ?? [] }
        let targets: [Float] = views.map { settings.label.holds($0) ? 1 : 0 }
        let weights = targets.map { target in
            let balance = settings.balances ? 2 * (target == 1 ? 1 - positives : positives) : 1
            return weight * max(balance, 0.02) / Float(views.count)
        }
        return head.logits(of: sequences, after: layer, width: trace.width, on: device)
            .binaryCrossEntropy(targets: targets, weights: weights)
    }

    private func shareOfPositives(_ layer: Int) -> Float {
        let labels = trace.sequences.flatMap { $0.views[layer] ?? [] }.map(settings.label.holds)
        return Float(labels.count { $0 }) / Float(max(labels.count, 1))
    }
}

extension ExitHead {
    /// The logits of all rows of some texts, [rows, 1].
    func logits(of sequences: [ExitTrace.Sequence], after layer: Int, width: Int, on device: Device) -> Tensor {
        let numbers = sequences.flatMap { $0.hidden[layer] ?? [] }
        let rows = Tensor(numbers, Shape(rows: numbers.count / width, columns: width), on: device)
        let states = sequences.map { (makeState(history: 0), $0.rows) }
        let parts = states.compactMap { state, rows in state.map { Batch.Part($0, rows: rows) } }
        return self(rows, ExitHeadContext(batch: parts.isEmpty ? nil : Batch(parts)))
    }
}
