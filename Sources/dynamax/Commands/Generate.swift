import ArgumentParser
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continues a text.",
        discussion: "The text goes to standard output as it is written; everything else goes to standard error.")

    @OptionGroup var input: PromptOptions
    @OptionGroup var options: ModelOptions
    @OptionGroup var sampling: SamplingOptions
    @OptionGroup var exits: ExitOptions

    @Option(
        name: [.customShort("n"), .customLong("max-tokens")], parsing: .unconditional,
        help: "Tokens to write at most.")
    var maxTokens = 200

    @Flag(help: "Print one JSON object with the text, each token's layer, and timings.")
    var json = false

    @Flag(help: "Colour each token by the layer that decided it, on a terminal.")
    var showLayers = false

    @Option(
        help: ArgumentHelp(
            "Write a page about the text: which layers decided it, what the others would have said, what it cost.",
            valueName: "file.html"))
    var report: String?

    @Flag(help: "Print rates and layers when done.")
    var verbose = false

    func validate() throws {
        guard maxTokens >= 0 else { throw ValidationError("-n must be 0 or more, not \(maxTokens)") }
        guard report != "" else { throw ValidationError("--report must name a file") }
    }

    func run() throws {
        let loaded = try options.load()
        let tokenizer = try tokenizer(loaded.files)
        let prompt = try tokenizer.map(input.tokens) ?? input.tokens(loaded.files)
        let defaults = try GenerationConfig(loaded.files)
        let stops = Set((tokenizer?.eosTokens ?? []) + defaults.eos.compactMap(Token.init(exactly:)))
        let sampling = sampling.sampling(defaults)
        let bound = try loaded.bound()
        let decoder = try exits.decoder(bound, sampling, tokens: maxTokens)
        let limits = Generation.Limits(tokens: maxTokens, stopTokens: stops)
        var run = try GenerationRun(
            name: options.model, loaded, tokenizer: tokenizer, prompt: prompt, decoder: decoder, sampling: sampling,
            limits: limits)
        let colours = showLayers ? LayerColours(layers: loaded.model.stack.layerCount) : nil
        while let piece = try run.next() {
            guard !json else { continue }
            try write(colours.map { $0.paint(piece.text, layer: piece.layer) } ?? piece.text)
        }
        if json {
            try printJSON(run.report())
        } else {
            try write("\n")
        }
        if verbose { note(run.summary()) }
        if let report {
            try XRayReport(
                name: options.model, model: loaded.model, tokenizer: tokenizer, prompt: prompt,
                guarantee: exits.guarantee(with: bound), decoder: decoder, sampling: sampling, limits: limits
            ).write(run, to: report)
        }
    }

    /// The model's tokenizer; nil where it has none and numbers go in, so that numbers come out.
    private func tokenizer(_ files: CheckpointFiles) throws -> Tokenizer? {
        do throws(FormatError) {
            return try Tokenizer(files)
        } catch {
            guard error.kind == .missing, input.list != nil else { throw error }
            return nil
        }
    }
}
