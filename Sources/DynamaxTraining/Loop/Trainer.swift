import DynamaxFormats
public import DynamaxModels
public import DynamaxTensor
import DynamaxText

/// Trains a language model as a configuration says, and keeps what a run needs to be broken off and resumed at any moment.
///
///     var trainer = try Trainer(TrainingConfiguration(contentsOf: "train.json"), resumes: true, on: device)
///     try trainer.run { event in print(event) }
///
/// All that is random follows from the seed: the same configuration gives the same parameters to the bit, at any number
/// of threads, and so does a run that was resumed.
public struct Trainer {
    /// What the run is made of.
    public let configuration: TrainingConfiguration
    /// The model as it is now; its numbers change with each step.
    public let model: LanguageModel
    /// Numbers that can learn.
    public var parameterCount: Int { parameters.count }
    /// Rows that a pass over the data has.
    public var rowsInEpoch: Int { loader.rowsInEpoch }
    /// Steps taken.
    public var step: Int { optimizer.steps }

    private let tokenizer: Tokenizer
    private let parameters: TrainableParameters
    private let export: ModelExport
    private let evaluators: [Evaluator]
    private let exits: ExitWeights
    private let evaluatedDepths: [Int]
    private let folder: RunFolder
    private var loader: BatchLoader
    private var optimizer: Optimizer
    private var log: MetricsLog
    private var best: (step: Int, loss: Double)?

    /// Prepares the data, the model and the run's folder, or takes up the last good checkpoint.
    ///
    /// - Parameters:
    ///   - resumes: whether to go on with the run in the folder; where it has no checkpoint yet, it begins anew.
    ///   - report: called while data are prepared.
    /// - Throws: an error that names the file or field that does not fit.
    public init(
        _ configuration: TrainingConfiguration, resumes: Bool, on device: Device,
        report: (TrainingEvent) -> Void = { _ in }
    ) throws {
        self.configuration = configuration
        tokenizer = try Tokenizer(at: configuration.tokenizer)
        folder = try RunFolder(configuration.output, resumes: resumes)
        let data = try PreparedData(configuration, tokenizer) { report(.note($0)) }
        let resumed = resumes ? folder.checkpoints.lastSound { report(.note($0)) } : nil
        if resumes, resumed == nil, !folder.checkpoints.steps.isEmpty {
            throw TrainingError.noSoundCheckpoint(folder.checkpoints.folder)
        }
        if let resumed, try resumed.state.string("identity") != configuration.identity {
            throw TrainingError.otherRun(resumed.path)
        }

        parameters = TrainableParameters()
        let location = configuration.json.location
        if let checkpoint = resumed?.path ?? configuration.model.checkpoint {
            let files = try CheckpointFiles(checkpoint)
            export = ModelExport(configuration: try files.requireConfig(), parameters: parameters, tokenizer: tokenizer)
            model = try LanguageModel(learning: files, parameters: parameters, on: device)
        } else {
            let config = try Trainer.completed(
                configuration.json.node("model"), configuration.model.configuration, tokenizer)
            export = ModelExport(configuration: config, parameters: parameters, tokenizer: tokenizer)
            model = try LanguageModel(
                learning: config, seed: configuration.seed, parameters: parameters, on: device)
        }
        guard model.stack.vocabularySize >= tokenizer.vocabularySize else {
            throw FormatError(
                .mismatch, location,
                "the model knows \(model.stack.vocabularySize) tokens, fewer than the tokenizer's "
                    + "\(tokenizer.vocabularySize)")
        }

        let layers = model.stack.layerCount
        func checked(_ depths: [Int]?, _ field: String) throws(FormatError) -> [Int]? {
            if let deep = depths?.first(where: { $0 > layers }) {
                throw FormatError(
                    .mismatch, location, "the field \(field) must hold depths up to \(layers), not \(deep)")
            }
            return depths
        }
        let depths = try checked(configuration.exits.depths, "exits.depths") ?? Array(1...layers)
        exits = ExitWeights(
            configuration.exits.rule, depths: depths, layers: layers, scale: configuration.exits.scale,
            period: configuration.exits.period ?? max(1, Set(depths + [layers]).count - 1))
        let measured = try checked(configuration.evaluation.depths, "evaluation.depths") ?? exits.depths
        evaluatedDepths = Set(measured + [layers]).sorted()
        evaluators = data.validation.map { name, corpus in
            Evaluator(
                name, corpus, data.tokenizer, context: configuration.batch.context, rows: configuration.batch.rows,
                limit: configuration.evaluation.rows)
        }

        optimizer = try Optimizer(configuration.optimizer, parameters, location: location)
        var position = BatchLoader.Position()
        if let resumed {
            try optimizer.read("\(resumed.path)/optimizer.safetensors", steps: resumed.step)
            position.epoch = try resumed.state.int("epoch", in: 0...Int.max)
            position.index = try resumed.state.int("index", in: 0...Int.max)
            if let record = resumed.state["best"] {
                best = (try record.int("step"), try record.double("loss"))
            }
            report(.note("going on after step \(resumed.step) with \(resumed.path)"))
        }
        loader = BatchLoader(
            data.train, rows: configuration.batch.rows, context: configuration.batch.context,
            seed: configuration.seed, at: position)
        log = try MetricsLog("\(folder.path)/metrics.jsonl", keepingUpTo: resumed?.step ?? 0)
        try folder.write(configuration)
    }

    /// config.json with the tokenizer's vocabulary, where it leaves that out.
    private static func completed(
        _ field: JSONNode, _ config: JSONNode?, _ tokenizer: Tokenizer
    ) throws(FormatError) -> JSONNode {
        guard let config else { throw field.expected("an object with config") }
        guard config["vocab_size"] == nil else { return config }
        var object = try config.object()
        object.set("vocab_size", .integer(tokenizer.vocabularySize))
        return JSONNode(.object(object), location: config.location, path: config.path)
    }

    // MARK: The loop

    /// Takes all steps that are left.
    ///
    /// - Parameters:
    ///   - report: told what happens.
    ///   - shouldStop: asked after each step; the run then writes a checkpoint and ends early.
    /// - Throws: `TrainingError`, where a loss is not a number or something cannot be written; checkpoints are as they were.
    public mutating func run(
        report: (TrainingEvent) -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws {
        do {
            try takeSteps(shouldStop, report)
        } catch let problem as FormatError {
            let checkpoints = folder.checkpoints
            throw TrainingError.cannotGoOn(
                "\(problem)", checkpoint: checkpoints.steps.last { $0 <= step }.map(checkpoints.path))
        }
    }

    private mutating func takeSteps(_ shouldStop: () -> Bool, _ report: (TrainingEvent) -> Void) throws {
        while step < configuration.steps {
            let record = try takeStep()
            try log.append(record.json)
            report(.step(record))
            let isLast = step == configuration.steps
            let stops = !isLast && shouldStop()
            let saves = isLast || stops || step % configuration.checkpoints.every == 0
            if saves || step % configuration.evaluation.every == 0 { try evaluate(saves: saves, report) }
            if configuration.samples.every > 0, isLast || step % configuration.samples.every == 0 {
                try writeSample(report)
            }
            if saves { try save(report) }
            if stops { return }
        }
    }

    private mutating func takeStep() throws -> StepReport {
        let start = ContinuousClock.now
        let (steps, accumulation) = (configuration.steps, configuration.batch.accumulation)
        let number = step
        let weights = exits.weights(at: number, of: steps)
        var gradients = AccumulatedGradients()
        var losses = [Double](repeating: 0, count: weights.count)
        var tokens = 0
        for part in 0..<accumulation {
            let batch = loader.next()
            let keeps = configuration.layerDropout?.keeps(
                sequences: batch.pieces.count, layers: model.stack.layerCount, at: number, of: steps, part: part,
                seed: configuration.seed)
            let device = model.stack.device
            let (means, found) = device.multiplying(in: configuration.precision) {
                device.recording {
                    let result = DepthLosses(model: model, batch: batch, keeps: keeps)(
                        weights, share: 1 / Double(accumulation))
                    return (result.means, result.total.backward())
                }
            }
            gradients.add(found, of: parameters)
            for (index, mean) in means.enumerated() { losses[index] += mean.loss / Double(accumulation) }
            tokens += batch.inputs.count
        }
        let loss = zip(weights, losses).reduce(0) { $0 + $1.0.weight * $1.1 }
        let norm = optimizer.norm(gradients)
        guard loss.isFinite, norm.isFinite else { throw notANumber(step: number + 1) }
        let factor = configuration.schedule.factor(at: number, of: steps)
        optimizer.step(gradients, rate: factor, norm: norm)
        return StepReport(
            step: step, steps: steps, loss: loss, depths: zip(weights, losses).map { ($0.depth, $1) },
            rate: configuration.optimizer.rate * factor, gradientNorm: norm, tokens: tokens,
            seconds: start.duration(to: .now).inSeconds)
    }

    /// The error of a step whose loss is not a number. A checkpoint is good if the step after it was taken.
    private func notANumber(step: Int) -> TrainingError {
        let checkpoints = folder.checkpoints
        return .notANumber(step: step, checkpoint: checkpoints.steps.last { $0 < step - 1 }.map(checkpoints.path))
    }

    private mutating func evaluate(saves: Bool, _ report: (TrainingEvent) -> Void) throws {
        guard !evaluators.isEmpty else { return }
        let results = model.stack.device.multiplying(in: configuration.precision) {
            evaluators.map { $0.measure(model, depths: evaluatedDepths) }
        }
        guard results.allSatisfy({ $0.depths.allSatisfy(\.perToken.isFinite) }) else {
            throw notANumber(step: step + 1)
        }
        try log.append(results.json(step: step))
        try folder.drawChart(log, title: "\(model.family), \(parameters.count) parameters")
        report(.evaluation(step: step, results))
        let mean = results.reduce(0) { $0 + ($1.depths.last?.perByte ?? 0) } / Double(results.count)
        if saves, mean < best?.loss ?? .infinity { best = (step, mean) }
    }

    private mutating func writeSample(_ report: (TrainingEvent) -> Void) throws {
        let settings = configuration.samples
        var prompt = tokenizer.encode(settings.prompt)
        if prompt.isEmpty, let token = tokenizer.bosToken ?? tokenizer.eosTokens.first { prompt = [token] }
        var sampling = settings.sampling
        sampling.seed = configuration.seed &+ UInt64(step)
        var generation = try Generation(
            model, FullDepthDecoder(model.stack), prompt: prompt, sampling: sampling,
            limits: .init(tokens: settings.tokens, stopTokens: Set(tokenizer.eosTokens)))
        var tokens = prompt
        do {
            while let output = try generation.next() { tokens.append(output.token) }
        } catch GenerationError.notANumber {
            throw notANumber(step: step + 1)
        }
        let text = try tokenizer.decode(tokens.filter { $0 < tokenizer.vocabularySize })
        try log.append(["step": .integer(step), "sample": .string(text)])
        report(.sample(step: step, text))
    }

    private mutating func save(_ report: (TrainingEvent) -> Void) throws {
        // The step's loss was a number, but where its parameters are not, the next one's will not be.
        guard parameters.entries.allSatisfy(\.tensor.squaredNorm.isFinite) else { throw notANumber(step: step + 1) }
        let checkpoints = folder.checkpoints
        var state: JSONObject = [
            "step": .integer(step), "epoch": .integer(loader.position.epoch), "index": .integer(loader.position.index),
            "identity": .string(configuration.identity),
        ]
        if let best { state.set("best", ["step": .integer(best.step), "loss": .number(best.loss)]) }
        try checkpoints.write(step, state: state) { path in
            try export.write(toFolder: path)
            try optimizer.write(to: "\(path)/optimizer.safetensors")
        }
        try checkpoints.link("last", to: step)
        if let best { try checkpoints.link("best", to: best.step) }
        checkpoints.prune(keeping: configuration.checkpoints.keep, upTo: step, best: best?.step)
        try folder.drawChart(log, title: "\(model.family), \(parameters.count) parameters")
        report(.checkpoint(step: step, path: checkpoints.path(step)))
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
