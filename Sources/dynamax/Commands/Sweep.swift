public import ArgumentParser
import DynamaxDepth
public import DynamaxEvaluation
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText

extension SweepGuarantee: ExpressibleByArgument {}

struct Sweep: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tries exits with many thresholds on prompts, beside the full model.",
        discussion: """
            The full model writes a text for each prompt; so do exits of each kind with several thresholds, in turns with it. The folder gets \
            sweep.csv, line by line as points are found, and in the end sweep.json and report.html. Fixed depths are tried as well.
            """)

    @Argument(help: "A file with one prompt a line.")
    var prompts: String

    @OptionGroup var options: ModelOptions

    @Option(name: .shortAndLong, help: "The folder to write.")
    var output: String

    @Option(
        name: .customLong("exit"),
        help: ArgumentHelp(
            "What exits judge by, separated by commas: softmax, margin, entropy, saturation, heads:FILE.",
            valueName: "kinds"))
    var exits = "softmax"

    @Option(
        help: ArgumentHelp(
            "Layers after which to look, separated by commas; by default each of the latter half.", valueName: "layers")
    )
    var exitLayers: TokenList?

    @Option(help: ArgumentHelp("none, exact, or both separated by a comma.", valueName: "guarantees"))
    var guarantee = Choices<SweepGuarantee>([.none, .exact])

    @Option(
        help: ArgumentHelp(
            "What the layers above an exit do under none, separated by commas: deferred, project, copy, skip.",
            valueName: "rules"))
    var state = Choices<StateRule>([.deferred])

    @Option(help: "Thresholds of each kind; they are chosen so that depths lie evenly.")
    var points = 6

    @Option(
        name: [.customShort("n"), .customLong("max-tokens")], parsing: .unconditional,
        help: "Tokens of each text at most.")
    var maxTokens = 64

    @Option(
        name: .shortAndLong, parsing: .unconditional, help: "Times to write each text for the clock; the median counts."
    )
    var repetitions = 3

    @Flag(help: "Write over an earlier sweep.")
    var force = false

    func validate() throws {
        _ = try kinds()
        guard !output.isEmpty else { throw ValidationError("--output must name a folder") }
        guard maxTokens >= 2 else { throw ValidationError("-n must be 2 or more, not \(maxTokens)") }
        guard (1...100).contains(points), (1...100).contains(repetitions) else {
            throw ValidationError("--points and -r must be 1 to 100")
        }
    }

    /// What `--exit` names: kinds, and files of heads.
    private func kinds() throws -> [(kind: ExitScore.Kind, heads: String?)] {
        try exits.split(separator: ",", omittingEmptySubsequences: false).map { part in
            if part.hasPrefix("heads:"), part.count > 6 { return (.heads, String(part.dropFirst(6))) }
            guard let kind = ExitScore.Kind(rawValue: String(part)), kind != .heads, kind != .reduced else {
                throw ValidationError("--exit must be softmax, margin, entropy, saturation or heads:FILE, not \(part)")
            }
            return (kind, nil)
        }
    }

    func run() throws {
        let loaded = try options.load()
        let tokenizer = try Tokenizer(loaded.files)
        let entries = try PromptFile(contentsOf: prompts, tokenizer).entries
        let stops = Set(
            try tokenizer.eosTokens + GenerationConfig(loaded.files).eos.compactMap(Token.init(exactly:)))
        let kinds = try kinds().map { kind, path in
            DynamaxEvaluation.Sweep.Exits(
                kind,
                heads: try path.flatMap { path in
                    try loaded.bound().policy("heads:\(path)", layers: nil).heads.map { ($0, path) }
                })
        }
        let sweep = try DynamaxEvaluation.Sweep(
            loaded.model, prompts: entries.map(\.prompt), limits: .init(tokens: maxTokens, stopTokens: stops),
            exits: kinds, layers: exitLayers?.tokens.map(Int.init), guarantees: guarantee.values, rules: state.values,
            points: points, repetitions: repetitions)
        let folder = try SweepFolder(output, force: force)
        var progress = SweepProgress()
        let result = try sweep.run { event in
            if case .point(let point) = event { try folder.append(point) }
            progress.show(event)
        }
        try folder.finish(result, SweepPage(result, facts: facts(result)))
        try write(SweepTable(result).text + "\n")
        note("\(folder.path)/report.html has charts, \(folder.path)/sweep.csv all figures")
    }

    private func facts(_ result: SweepResult) -> [(name: String, value: String)] {
        [
            ("model", options.model), ("family", "\(result.family), \(result.layers) layers"),
            ("weights", result.weights), ("machine", "\(result.instructionSet), \(result.threads) threads"),
            ("prompts", "\(result.prompts), texts of at most \(maxTokens) tokens"),
            ("exits", exits.split(separator: ",").joined(separator: ", ")),
            ("repetitions", "\(repetitions)"),
        ]
    }
}

/// Some of the cases of an enum, separated by commas.
struct Choices<Case: RawRepresentable & Hashable & Sendable>: ExpressibleByArgument where Case.RawValue == String {
    let values: [Case]

    init(_ values: [Case]) { self.values = values }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let values = parts.compactMap { Case(rawValue: String($0)) }
        guard values.count == parts.count, Set(values).count == values.count else { return nil }
        self.values = values
    }

    var defaultValueDescription: String { values.map(\.rawValue).joined(separator: ",") }
}
