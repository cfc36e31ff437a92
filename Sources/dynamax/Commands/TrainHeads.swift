public import ArgumentParser
public import DynamaxDepth
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText
import DynamaxTraining
import Foundation

extension HeadLabel: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension HeadWeights: ExpressibleByArgument {}

/// Kinds of heads, as users name them.
enum HeadChoice: String, CaseIterable, ExpressibleByArgument {
    case linear
    case feedForward = "feed-forward"
    case mamba, gates
}

struct TrainHeads: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "heads",
        abstract: "Trains exit heads by distillation from the full model, which stays as it is.",
        discussion: """
            Heads learn when the exit's token is the full model's, on texts that the model reads, or from traces that `dynamax \
            trace` has written. They are kept in a file of their own, which `--exit heads:FILE@T` takes. Afterwards it says how deep \
            tokens must go on texts that were left out, beside exits without learned heads.

            Gates learn, together with translators of their exits' rows, to leave where the loss and the cost are least in sum.
            """)

    @Argument(help: "Text files, folders of .txt files, or traces (.safetensors).")
    var inputs: [String]

    @OptionGroup var options: ModelOptions

    @Option(name: .shortAndLong, help: "The file to write.")
    var output: String

    @Option(help: "linear, feed-forward, mamba or gates.")
    var kind = HeadChoice.mamba

    @Option(
        help:
            "Width of a Mamba block, or inside of a feed-forward head; by default a quarter of the model's, at least 32."
    )
    var width: Int?

    @Option(help: "States of each channel of a Mamba block.")
    var states = 16

    @Option(
        help: ArgumentHelp(
            "Layers after which to judge, separated by commas; by default each of the latter half.", valueName: "layers"
        )
    )
    var exitLayers: TokenList?

    @Option(
        help: ArgumentHelp(
            """
            When a token may leave: argmax (the exit's token is the full model's), top:K (it is among its K most probable ones), \
            kl:T (the distributions are at most T nats apart). By default argmax. Not for gates, which learn where to leave.
            """, valueName: "rule"))
    var label: HeadLabel?

    @Option(
        help:
            "What the exits' losses weigh: uniform, decaying or growing with depth; by default decaying. Not for gates."
    )
    var weights: HeadWeights?

    @Flag(
        inversion: .prefixedNo,
        help: """
            Let both labels weigh the same in all: so by default, but not for gates, where exits that are rarely best would weigh \
            more.
            """)
    var balance: Bool?

    @OptionGroup var gates: GateOptions

    @Option(help: "Steps of AdamW.")
    var steps = 300

    @Option(help: "The learning rate at its peak; by default 0.002, or 0.0005 for the translators of gates.")
    var rate: Float?

    @Option(help: "Positions of the texts to read at most.")
    var rows = 40_000

    @Option(help: "Where random numbers start.")
    var seed: UInt64 = 0

    @Option(help: "What stands between documents in a text file; each file is one document without it.")
    var separator: String?

    func validate() throws {
        if kind == .gates, label != nil || weights != nil {
            throw ValidationError("--label and --weights are not for gates, which learn where to leave")
        }
        if kind != .gates, gates.areGiven {
            throw ValidationError("--cost-weight, --inference-modules, --costs and --period go with --kind gates")
        }
        if let problem = headKind(modelWidth: 1024).problem {
            throw ValidationError("--width must be \(problem)")
        }
        for (name, value) in [("--steps", steps), ("--rows", rows), ("--width", width ?? 1), ("--states", states)]
        where value < 1 {
            throw ValidationError("\(name) must be 1 or more, not \(value)")
        }
        if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate must be above 0, not \(rate)") }
    }

    private func headKind(modelWidth: Int) -> HeadKind {
        let quarter = max(32, modelWidth / 4 / 16 * 16)
        switch kind {
        case .linear: return .linear
        case .feedForward: return .feedForward(inner: width ?? quarter)
        case .mamba: return .mamba(width: width ?? quarter, states: states)
        case .gates: return .gate(translates: gates.inferenceModules != ModuleChoice.none)
        }
    }

    func run() throws {
        let loaded = try options.load()
        let trace = try trace(loaded)
        // A tenth of the texts is left out, to judge by.
        let (learned, held) = trace.split(0.9)
        guard !learned.sequences.isEmpty, !held.sequences.isEmpty else {
            throw FormatError(
                .mismatch, inputs[0], "there are \(trace.sequences.count) texts, expected at least two: one is left out"
            )
        }
        note("\(learned.sequences.count) texts, \(learned.rows) positions to learn from; \(held.rows) left out")
        if kind == .gates {
            try trainGates(learned, held, loaded)
        } else {
            try trainHeads(learned, held, loaded)
        }
        note("written: \(output)")
    }

    private func trainHeads(_ learned: ExitTrace, _ held: ExitTrace, _ loaded: ModelOptions.Loaded) throws {
        let stack = loaded.model.stack
        var settings = HeadTrainer.Settings()
        (settings.label, settings.weights) = (label ?? settings.label, weights ?? settings.weights)
        (settings.steps, settings.seed) = (steps, seed)
        settings.rate = rate ?? settings.rate
        settings.balances = balance ?? settings.balances
        let trainer = try HeadTrainer(
            learned, kind: headKind(modelWidth: stack.width), model: loaded.files.fingerprint(), settings: settings,
            on: stack.device)
        note("\(trainer.parameters.count) parameters in \(learned.layers.count) heads")
        trainer.run { step, loss in
            if step % 50 == 0 || step == steps { note(String(format: "step %d/%d  loss %.4f", step, steps, loss)) }
        }
        try trainer.heads.write(
            trainer.parameters, to: output,
            notes: [
                "label": "\(settings.label)", "weights": settings.weights.rawValue, "steps": "\(steps)",
                "rows": "\(learned.rows)",
            ])
        HeadReport.printDepths(
            [
                .init(
                    name: kind.rawValue, simulation: ExitSimulation(held, trainer.heads, on: stack.device),
                    bytes: ExitCosts.bytes(held.layers, heads: trainer.heads, of: stack))
            ] + unlearned(held, stack), of: stack, seed: seed)
    }

    private func trainGates(_ learned: ExitTrace, _ held: ExitTrace, _ loaded: ModelOptions.Loaded) throws {
        let stack = loaded.model.stack
        var settings = GateTrainer.Settings()
        gates.apply(to: &settings)
        (settings.steps, settings.seed) = (steps, seed)
        settings.rate = rate ?? settings.rate
        settings.balances = balance ?? settings.balances
        // Class weights are counted on texts that neither gates nor judgement see.
        let (seen, counted) = learned.split(0.9)
        guard !seen.sequences.isEmpty else {
            throw FormatError(.mismatch, inputs[0], "there are too few texts, expected ten or more for gates")
        }
        let trainer = try GateTrainer(
            seen, held: counted, stack, model: loaded.files.fingerprint(), settings: settings)
        note("\(trainer.parameters.count) parameters in \(learned.layers.count) gates and their translators")
        trainer.run { step, phase, loss in
            if step % 25 == 0 || step == steps {
                note(String(format: "step %d/%d  loss of %@ %.4f", step, steps, phase.rawValue, loss))
            }
        }
        try trainer.heads.write(
            trainer.parameters, to: output,
            notes: [
                "cost_weight": "\(settings.costWeight)", "costs": settings.costs.rawValue,
                "inference_modules": settings.modules?.rawValue ?? "none", "steps": "\(steps)",
                "rows": "\(seen.rows)",
            ])
        let evaluation = GateEvaluation(
            held, trainer.heads, stack, costs: settings.costs, costWeight: settings.costWeight)
        HeadReport.printDepths(
            ([("gates, by hazard", evaluation.simulation), ("gates, each alone", evaluation.gateSimulation)]
                + (settings.modules == nil ? [] : [("softmax, translated", evaluation.softmaxSimulation)])).map {
                    let bytes = ExitCosts.bytes(held.layers, heads: trainer.heads, of: stack)
                    return .init(name: $0.0, simulation: $0.1, bytes: bytes)
                } + unlearned(held, stack), of: stack, seed: seed)
        HeadReport.printObjective(
            evaluation, exits: held.layers, of: held.layerCount, costWeight: settings.costWeight)
    }

    /// Exits that have not learned, to compare with.
    private func unlearned(_ held: ExitTrace, _ stack: any LayerStack) -> [HeadReport.Rule] {
        let bytes = ExitCosts.bytes(held.layers, of: stack)
        return [
            .init(name: "softmax", simulation: ExitSimulation(held) { $0.maximum }, bytes: bytes),
            .init(name: "margin", simulation: ExitSimulation(held) { $0.margin }, bytes: bytes),
            .init(name: "entropy", simulation: ExitSimulation(held) { -$0.entropy }, bytes: bytes),
        ]
    }

    private func trace(_ loaded: ModelOptions.Loaded) throws -> ExitTrace {
        let stack = loaded.model.stack
        let wanted = exitLayers?.tokens.map(Int.init) ?? Array(max(1, stack.layerCount / 2)..<stack.layerCount)
        for layer in wanted where !(1..<stack.layerCount).contains(layer) {
            throw ExitError.layer(layer, layers: stack.layerCount)
        }
        var trace = ExitTrace(layers: Set(wanted).sorted(), layerCount: stack.layerCount, width: stack.width)
        let texts = inputs.filter { !$0.hasSuffix(".safetensors") }
        for path in inputs where path.hasSuffix(".safetensors") {
            try trace.add(contentsOf: path, on: stack.device)
        }
        guard !texts.isEmpty else { return trace }
        let tokenizer = try Tokenizer(loaded.files)
        let length = min(256, loaded.model.context ?? 256)
        for path in texts {
            try Documents(path: path, separator: separator).forEach { text in
                guard trace.rows < rows else { return }
                let tokens = tokenizer.encode(text)
                for start in stride(from: 0, to: tokens.count, by: length) where trace.rows < rows {
                    let piece = Array(tokens[start..<min(start + length, tokens.count)])
                    if piece.count >= 16 { trace.add(piece, loaded.model) }
                }
            }
        }
        return trace
    }
}
