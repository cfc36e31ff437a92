import ArgumentParser
import DynamaxBundledModels
import DynamaxFormats
import DynamaxModels
import DynamaxTensor

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures prefill and decoding rates.",
        discussion: """
            With --random, weights are random numbers at the shape of a config.json, so no download is needed:

                dynamax bench --random Benchmarks/Shapes/tinyllama-1.1b.json --quantize q8 -p 512 -n 128 -t 2
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

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard model == nil || random == nil else {
            throw ValidationError("give a model with -m or a shape with --random, and not both")
        }
        let lengths = 0...1 << 20
        guard lengths.contains(prompt), lengths.contains(tokens), prompt + tokens > 0, repetitions > 0 else {
            throw ValidationError("-p and -n must be 0 to \(lengths.upperBound), one of them above 0, and -r above 0")
        }
    }

    func run() throws {
        let device = try compute.device()
        let loaded: LanguageModel
        if let random {
            let shape = try JSONNode(contentsOf: random)
            loaded = try LanguageModel(randomFor: shape, quantization: compute.quantize, on: device)
        } else {
            let files = try CheckpointFiles(named: model ?? BundledModel.standard.rawValue)
            loaded = try LanguageModel(files, quantization: compute.quantize, on: device)
        }
        let report = Benchmark(model: loaded, prompt: prompt, tokens: tokens, repetitions: repetitions).report()
        json ? try printJSON(report) : try write(report.text + "\n")
    }
}
