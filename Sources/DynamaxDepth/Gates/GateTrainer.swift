import DynamaxLayers
public import DynamaxModels
package import DynamaxTensor

/// Trains gates, and the inference modules of their exits, for the cost-weighted loss of the exit that tokens take
/// (Regol et al. 2024, JEI-DNN).
///
/// Modules warm up first, shallow exits with the largest weight. Then phases of so many steps alternate: gates learn where a
/// token would best have left with the modules as they are, and modules learn from the tokens that the gates send them. Labels
/// are the full model's most probable tokens. The model is frozen, its norm and head included.
public struct GateTrainer {
    /// How gates and modules learn.
    public struct Settings: Sendable {
        /// What the cost of the whole model weighs beside a nat of loss.
        public var costWeight: Float = 0.5
        /// What modules learn from; nil for exits on the shared head as it is, where only gates learn.
        public var modules: ModuleLoss? = .released
        public var costs = ExitCosts.ledger
        /// Whether exits that are rarely best weigh more, as in the published code (`GateTargets.classWeights`). The weights count
        /// best exits, where the targets count all exits from there on, so that tokens leave too early.
        public var balances = false
        public var steps = 300
        /// The share of the steps that modules warm up in.
        public var warmUp = 0.25
        /// Steps of a phase.
        public var period = 15
        /// Positions of a step.
        public var batch = 256
        public var rate: Float = 5e-4
        /// The learning rate of gates, as a multiple: five numbers that move far.
        public var gateRate: Float = 100
        public var decay: Float = 0.01
        public var seed: UInt64 = 0

        /// Takes the defaults.
        public init() {}
    }

    /// What a step was for.
    public enum Phase: String, Sendable {
        case warmUp = "warm-up"
        case gates, modules
    }

    /// A position of a text.
    package typealias Place = (text: Int, row: Int)

    public let heads: ExitHeads
    public let parameters: TrainableParameters
    private let gates: [GateHead]
    private let costs: [Float]
    private let settings: Settings
    private let trace: ExitTrace
    private let held: ExitTrace
    private let stack: any LayerStack
    /// All positions to learn from, by text and row.
    private let places: [Place]

    /// Makes gates for the exits of a trace.
    ///
    /// - Parameters:
    ///   - trace: to learn from.
    ///   - held: texts that class weights are counted on.
    ///   - stack: the model of both; its norm and head are used as they are.
    ///   - model: its digest.
    /// - Throws: `GenerationError.notANumber` where the trace has no position with numbers.
    public init(
        _ trace: ExitTrace, held: ExitTrace, _ stack: any LayerStack, model: String, settings: Settings = Settings()
    ) throws {
        parameters = TrainableParameters()
        heads = try ExitHeads(
            learning: .init(
                model: model, width: trace.width, kind: .gate(translates: settings.modules != nil),
                layers: trace.layers), seed: settings.seed, parameters: parameters, on: stack.device)
        gates = heads.gates
        costs = settings.costs.values(heads, of: stack)
        (self.trace, self.held, self.stack, self.settings) = (trace, held, stack, settings)
        places = trace.sequences.enumerated().flatMap { text, sequence in
            sequence.targets.indices.filter { sequence.targets[$0].token >= 0 }.map { (text, $0) }
        }
        guard !places.isEmpty else { throw GenerationError.notANumber(position: 0) }
        precondition(trace.width == stack.width && trace.layerCount == stack.layerCount)
    }

    /// Trains.
    ///
    /// - Parameter report: told the loss of each step, of the gates or of the modules.
    public func run(report: (_ step: Int, _ phase: Phase, _ loss: Float) -> Void = { _, _, _ in }) {
        let modules = gates.compactMap(\.translator).flatMap(GateTrainer.learning)
        var (gateOptimizer, moduleOptimizer) = (
            HeadOptimizer(gates.map(\.gate).flatMap(GateTrainer.learning)), HeadOptimizer(modules)
        )
        let warmUp = modules.isEmpty ? 0 : Int(settings.warmUp * Double(settings.steps))
        var classWeights = [Float](repeating: 1, count: gates.count)
        var random = Philox(seed: settings.seed)
        for step in 1...settings.steps {
            let batch = batch(
                (0..<settings.batch).map { _ in
                    let number = Int.random(in: places.indices, using: &random)
                    return places[number]
                })
            let rate = settings.rate * HeadOptimizer.share(step, of: settings.steps)
            let phase = phase(step, warmUp: warmUp)
            let result: (loss: Float, gradients: [Gradients])
            switch phase {
            case .warmUp: result = moduleLoss(batch, weights: warmUpWeights(batch.targets.count))
            case .modules: result = moduleLoss(batch, weights: moduleWeights(batch))
            case .gates:
                let place = step - warmUp - 1
                if settings.balances, place > 0, place % settings.period == 0 { classWeights = countedClassWeights() }
                result = gateLoss(batch, classWeights)
            }
            if phase == .gates {
                gateOptimizer.step(result.gradients, rate: rate * settings.gateRate, decay: settings.decay)
            } else {
                moduleOptimizer.step(result.gradients, rate: rate, decay: settings.decay)
            }
            report(step, phase, result.loss)
        }
    }

    private func phase(_ step: Int, warmUp: Int) -> Phase {
        if step <= warmUp { return .warmUp }
        return settings.modules == nil || (step - warmUp - 1) / settings.period % 2 == 0 ? .gates : .modules
    }

    private static func learning(_ layer: Linear) -> [Tensor] {
        guard case .dense(let weights) = layer.weights else { return [] }
        return [weights] + (layer.bias.map { [$0] } ?? [])
    }
}

// MARK: Losses

extension GateTrainer {
    /// Positions of a step, at each exit.
    struct Batch {
        /// [exit][rows, width]
        let hidden: [Tensor]
        let targets: [ExitTrace.Target]
    }

    private func batch(_ chosen: [Place]) -> Batch {
        let hidden = trace.layers.map { layer in
            let numbers = chosen.flatMap { place -> ArraySlice<Float> in
                let start = place.row * trace.width
                return trace.sequences[place.text].hidden[layer]?[start..<start + trace.width] ?? []
            }
            return Tensor(numbers, Shape(rows: chosen.count, columns: trace.width), on: stack.device)
        }
        return Batch(hidden: hidden, targets: chosen.map { trace.sequences[$0.text].targets[$0.row] })
    }

    private func read(_ batch: Batch) -> [[GateReading]] {
        zip(gates, batch.hidden).map { $0.read($1, batch.targets, stack) }
    }

    /// The number of the exit where each position would best leave.
    private func targets(_ readings: [[GateReading]], _ targets: [ExitTrace.Target]) -> [GateTargets] {
        targets.indices.map { row in
            GateTargets(
                losses: readings.map { $0[row].loss } + [targets[row].loss], costs: costs,
                costWeight: settings.costWeight)
        }
    }

    /// The mean over exits and rows of what gates have to learn.
    private func gateLoss(_ batch: Batch, _ classWeights: [Float]) -> (loss: Float, gradients: [Gradients]) {
        let readings = read(batch)
        let targets = targets(readings, batch.targets).map(\.values)
        let share = 1 / Float(gates.count * batch.targets.count)
        return stack.device.recording {
            let losses = gates.indices.map { exit in
                let labels = targets.map { $0[exit] }
                return gates[exit].judge(readings[exit].map(\.statistics), on: stack.device).binaryCrossEntropy(
                    targets: labels, weights: labels.map { share * ($0 == 1 ? classWeights[exit] : 1) })
            }
            return (losses.reduce(0) { $0 + $1.array[0] }, losses.map { $0.backward() })
        }
    }

    private func countedClassWeights() -> [Float] {
        var best: [Int] = []
        for sequence in held.sequences where best.count < 1024 {
            let rows = sequence.targets.indices.filter { sequence.targets[$0].token >= 0 }
            let readings = zip(gates, trace.layers).map { gate, layer in
                let all = sequence.rows(0..<sequence.rows, after: layer, width: trace.width, on: stack.device)
                return gate.read(all.gatheringRows(rows.map(Int32.init)), rows.map { sequence.targets[$0] }, stack)
            }
            best += targets(readings, rows.map { sequence.targets[$0] }).map(\.best)
        }
        return best.isEmpty
            ? [Float](repeating: 1, count: gates.count) : GateTargets.classWeights(best: best, gates: gates.count)
    }

    /// What the loss of each exit and row weighs in the warm-up, [exit][row].
    private func warmUpWeights(_ rows: Int) -> [[Float]] {
        let count = gates.count
        let sum = Float((0..<count).reduce(0) { $0 + count + 1 - $1 })
        return (0..<count).map { [Float](repeating: Float(count + 1 - $0) / (sum * Float(rows)), count: rows) }
    }

    /// What it weighs by the gates: the derivatives of the mean of the modules' loss, over exits and rows.
    private func moduleWeights(_ batch: Batch) -> [[Float]] {
        guard let loss = settings.modules else { preconditionFailure("there are no modules") }
        let readings = read(batch)
        let share = 1 / Float(gates.count * batch.targets.count)
        var weights = gates.map { _ in [Float](repeating: 0, count: batch.targets.count) }
        for row in batch.targets.indices {
            let probabilities = ExitHazards.probabilities(readings.map { $0[row].gate }).dropLast()
            let derivatives = loss(readings.map { $0[row].loss }, Array(probabilities)).weights
            for exit in gates.indices { weights[exit][row] = share * derivatives[exit] }
        }
        return weights
    }

    /// The loss of the modules at some positions, with its gradients and what the loss of each exit and row weighs in it.
    ///
    /// - Parameter weights: taken for constants; by default those of the gates.
    package func moduleLoss(
        at places: [Place], weights: [[Float]]? = nil
    ) -> (loss: Float, gradients: [Gradients], weights: [[Float]]) {
        let batch = batch(places)
        let weights = weights ?? moduleWeights(batch)
        let (loss, gradients) = moduleLoss(batch, weights: weights)
        return (loss, gradients, weights)
    }

    /// The weighted losses of the exits. One exit's logits are in memory at a time.
    private func moduleLoss(_ batch: Batch, weights: [[Float]]) -> (loss: Float, gradients: [Gradients]) {
        var (sum, gradients) = (Float(0), [Gradients]())
        for (exit, gate) in gates.enumerated() {
            stack.device.recording {
                let loss = stack.head(gate.translate(batch.hidden[exit])).crossEntropy(
                    targets: batch.targets.map(\.token),
                    weights: Tensor(weights[exit], [weights[exit].count], on: stack.device))
                sum += loss.array[0]
                gradients.append(loss.backward())
            }
        }
        return (sum, gradients)
    }
}
