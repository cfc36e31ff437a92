import ArgumentParser
import DynamaxBundledModels
import DynamaxDepth
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures prefill and decoding rates.",
        discussion: """
            With --random, weights are random numbers at the shape of a config.json, so no download is needed:

                dynamax bench --random Benchmarks/Shapes/tinyllama-1.1b.json --quantize q8 -p 512 -n 128 -t 2

            With --exit or --certificate, decoding with exits is measured too, in turns with decoding through all layers.
            With --limits, so is what the machine can do at best, in turns with the model: bytes that all threads read in a second, which
            bound decoding, and multiply-adds, which bound prefill. A model takes the shares of them that are printed.
            """)

    @Option(name: .shortAndLong, help: "A model, as for generate.")
    var model: String?

    @Option(help: ArgumentHelp("A config.json to make a random model for.", valueName: "config"))
    var random: String?

    @OptionGroup var compute: ComputeOptions

    @Option(
        name: [.customShort("p"), .long], parsing: .unconditional, help: "Tokens of the prompt; 0 to leave prefill out."
    )
    var prompt = 512

    @Option(
        name: [.customShort("n"), .customLong("tokens")], parsing: .unconditional,
        help: "Tokens to decode after the prompt; 0 to leave decoding out.")
    var tokens = 128

    @Option(name: .shortAndLong, parsing: .unconditional, help: "Times to measure each, after one that does not count.")
    var repetitions = 5

    @OptionGroup var exits: ExitOptions

    @Option(
        help: ArgumentHelp(
            "Prompts for decoding with exits, one a line; by default some tokens.", valueName: "file"))
    var prompts: String?

    @Option(
        help: ArgumentHelp(
            "How much each layer of a random model adds, beside the one before it: below 1, exits agree with the full model more often.",
            valueName: "share"))
    var settle: Float = 1

    @Flag(help: "Measure the machine's limits beside the model, and the shares of them that it reaches.")
    var limits = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard model == nil || random == nil else {
            throw ValidationError("give a model with -m or a shape with --random, and not both")
        }
        guard settle > 0, settle <= 1 else { throw ValidationError("--settle must lie above 0 and at most at 1") }
        guard random != nil || settle == 1 else { throw ValidationError("--settle goes with --random") }
        guard exits.promise != .off || prompts == nil else {
            throw ValidationError("--prompts goes with --exit or --certificate")
        }
        guard prompts == nil || random == nil else { throw ValidationError("--prompts needs a model, not --random") }
        let lengths = 0...1 << 20
        guard lengths.contains(prompt), lengths.contains(tokens), prompt + tokens > 0, repetitions > 0 else {
            throw ValidationError("-p and -n must be 0 to \(lengths.upperBound), one of them above 0, and -r above 0")
        }
    }

    func run() throws {
        let device = try compute.device()
        let bound: BoundModel
        var texts: [[Token]]?
        if let random {
            let shape = try JSONNode(contentsOf: random)
            let made = try LanguageModel(
                randomFor: shape, settling: settle, quantization: compute.quantize, cacheFormat: compute.kvCache,
                on: device)
            bound = BoundModel(model: made, fingerprint: { () in "random" }, exits: nil)
        } else {
            let files = try CheckpointFiles(named: model ?? BundledModel.standard.rawValue)
            bound = BoundModel(
                model: try LanguageModel(
                    files, quantization: compute.quantize, cacheFormat: compute.kvCache, on: device),
                fingerprint: files.fingerprint, exits: try GenerationConfig(files).exits)
            if let prompts {
                texts = try PromptFile(contentsOf: prompts, Tokenizer(files)).entries.map(\.prompt)
            }
        }
        var report = Benchmark(model: bound.model, prompt: prompt, tokens: tokens, repetitions: repetitions).report()
        if exits.promise != .off {
            report.exits = try ExitBenchmark(
                model: bound.model, decoder: exits.decoder(bound, .greedy, tokens: tokens),
                prompts: texts ?? [Benchmark.someTokens(max(prompt, 1), of: bound.model.stack.vocabularySize)],
                tokens: tokens, repetitions: repetitions
            ).report()
        }
        if limits {
            report.limits = LimitBenchmark(
                model: bound.model, prompt: prompt, tokens: tokens, repetitions: repetitions
            ).report()
        }
        json ? try printJSON(report) : try write(report.text + "\n")
    }
}
