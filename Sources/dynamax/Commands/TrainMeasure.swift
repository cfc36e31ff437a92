import ArgumentParser
import DynamaxDepth
import DynamaxModels
import DynamaxText
import DynamaxTraining
import Foundation

struct TrainMeasure: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Measures a model's loss on texts, at each depth.",
        discussion: """
            The loss per byte can be compared between vocabularies. Documents are cut into pieces of the context, each read by \
            itself.
            """)

    @Argument(help: "Text files, or folders of .txt files.")
    var texts: [String]

    @OptionGroup var options: ModelOptions

    @Option(help: "What stands between documents in a file; each file is one document without it.")
    var separator: String?

    @Option(help: "Tokens of the longest piece; by default 512, or the model's context where that is shorter.")
    var context: Int?

    @Option(help: "Tokens of each text to predict at most, spread evenly over it.")
    var limit: Int?

    @Option(help: ArgumentHelp("Depths, separated by commas; by default all.", valueName: "layers"))
    var depths: TokenList?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if let context, context < 1 { throw ValidationError("--context must be 1 or more, not \(context)") }
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more, not \(limit)") }
    }

    func run() throws {
        let loaded = try options.load()
        let layers = loaded.model.stack.layerCount
        let wanted = try (depths?.tokens.map(Int.init) ?? Array(1...layers)).map { depth throws(ExitError) in
            guard (1...layers).contains(depth) else { throw ExitError.layer(depth, layers: layers) }
            return depth
        }
        let context = min(context ?? 512, loaded.model.context ?? .max)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("dynamax-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let builder = try TokenCorpusBuilder(Tokenizer(loaded.files))
        let results = try texts.map { path in
            let corpus = try builder.corpus(of: Documents(path: path, separator: separator), in: folder.path)
            let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
            return Evaluator(
                name, corpus, builder.tokenizer, context: context, rows: max(context, 2048), limit: limit ?? .max
            ).measure(loaded.model, depths: Set(wanted + [layers]).sorted())
        }
        if json { try printJSON(MeasurementReport(model: options.model, results)) } else { results.forEach(show) }
    }

    private func show(_ result: EvaluationResult) {
        print("\(result.name): \(result.tokens) tokens")
        print("depth   nats per token   nats per byte")
        for depth in result.depths {
            print(String(format: "%5d %16.4f %15.4f", depth.depth, depth.perToken, depth.perByte))
        }
    }
}

/// What `train measure --json` prints.
private struct MeasurementReport: Encodable {
    struct Text: Encodable {
        let name: String
        let tokens: Int
        let depths: [Depth]
    }

    struct Depth: Encodable {
        let depth: Int
        let natsPerToken: Double
        let natsPerByte: Double
    }

    let model: String
    let texts: [Text]

    init(model: String, _ results: [EvaluationResult]) {
        self.model = model
        texts = results.map { result in
            Text(
                name: result.name, tokens: result.tokens,
                depths: result.depths.map {
                    Depth(depth: $0.depth, natsPerToken: $0.perToken, natsPerByte: $0.perByte)
                })
        }
    }
}
