public import ArgumentParser
public import DynamaxDepth
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText
import Foundation

extension Divergence: ExpressibleByArgument {}
extension LearnThenTest.PValue: ExpressibleByArgument {}
extension Consistency: ExpressibleByArgument {}

struct Calibrate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Certifies a threshold of exits, for the guarantee bounded.",
        discussion: """
            Texts are written by the full model and with thresholds that let more and more tokens leave, until the expected \
            divergence can no longer be shown to be at most delta (Learn then Test). The last threshold for which it can goes into the \
            certificate, which is valid for prompts from the same source, and for this model.
            """)

    @Argument(help: "A file with one prompt a line.")
    var prompts: String

    @OptionGroup var options: ModelOptions

    @Option(name: .shortAndLong, help: "The certificate to write.")
    var output: String

    @Option(
        name: .customLong("exit"),
        help: ArgumentHelp(
            "What exits compare with the threshold: softmax, margin, entropy, saturation, reduced, or heads:FILE.",
            valueName: "kind"))
    var exit = "softmax"

    @Option(
        help: ArgumentHelp(
            "Layers after which to look, separated by commas; by default each of the latter half.", valueName: "layers")
    )
    var exitLayers: TokenList?

    @Option(help: "The bound on the expected divergence from the full model's text.")
    var delta = 0.1

    @Option(help: "The chance that the bound is wrong.")
    var epsilon = 0.05

    @Option(
        help: """
            textual: bound the divergence from the full model's text. risk: bound how much farther from a reference the text is than             the full model's; prompts are then a .jsonl file of objects with prompt and reference.
            """)
    var consistency = Consistency.textual

    @Option(help: "How divergence is measured.")
    var divergence = Divergence.tokenF1

    @Option(help: "How the evidence is weighed.")
    var pValue = LearnThenTest.PValue.hoeffdingBentkus

    @Option(
        name: [.customShort("n"), .customLong("max-tokens")], parsing: .unconditional,
        help: "Tokens of each text at most; the certificate holds for texts of at most so many.")
    var maxTokens = 64

    @Option(
        help: ArgumentHelp(
            "Let the threshold fall along the text, as --exit-decay of generate does.", valueName: "form:rate")
    )
    var exitDecay: DecayChoice?

    func validate() throws {
        if exitDecay != nil, try !kind().largerIsSurer {
            throw ValidationError("--exit-decay needs a score of which more is surer, not \(exit)")
        }
        _ = try kind()
        guard maxTokens >= 2 else { throw ValidationError("-n must be 2 or more, not \(maxTokens)") }
        do throws(CertificateError) {
            _ = try test()
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private func kind() throws -> ExitScore.Kind {
        if exit.hasPrefix("heads:") { return .heads }
        guard let kind = ExitScore.Kind(rawValue: exit), kind != .heads else {
            throw ValidationError(
                "--exit must be softmax, margin, entropy, saturation, reduced or heads:FILE, not \(exit)")
        }
        return kind
    }

    private func test() throws(CertificateError) -> LearnThenTest {
        try LearnThenTest(delta: delta, epsilon: epsilon, pValue: pValue)
    }

    func run() throws {
        let loaded = try options.load()
        let tokenizer = try Tokenizer(loaded.files)
        let defaults = try GenerationConfig(loaded.files)
        let stops = Set(tokenizer.eosTokens + defaults.eos.compactMap(Token.init(exactly:)))
        let kind = try kind()
        let path = String(exit.dropFirst("heads:".count))
        let heads = try kind == .heads ? loaded.bound().policy("heads:\(path)", layers: nil).heads : nil
        let entries = try readPrompts(tokenizer)
        let calibration = try Calibration(
            loaded.model, prompts: entries.map(\.prompt),
            references: consistency == .risk ? entries.compactMap(\.reference) : nil, kind: kind,
            heads: heads.map { ($0, path) },
            layers: exitLayers?.tokens.map(Int.init), decay: exitDecay?.decay(tokens: maxTokens),
            limits: .init(tokens: maxTokens, stopTokens: stops), divergence: divergence, test: test())
        let certificate = try calibration.run(fingerprint: loaded.files.fingerprint()) { finding in
            note(
                String(
                    format: "%@: mean loss %.4f, chance %.2g, %.2f of %d layers", finding.exit.description,
                    finding.meanDivergence, finding.probability, finding.meanLayers, loaded.model.stack.layerCount))
        }
        try certificate.write(to: output)
        note("\(certificate.exit) is certified: \(output)")
    }

    private func readPrompts(_ tokenizer: Tokenizer) throws -> [PromptFile.Entry] {
        let entries = try PromptFile(contentsOf: prompts, tokenizer).entries
        guard Set(entries.map(\.prompt)).count == entries.count else {
            throw FormatError(
                .mismatch, prompts, "some prompts are the same, expected independent ones, each on its line once")
        }
        if consistency == .risk, let missing = entries.firstIndex(where: { $0.reference == nil }) {
            throw FormatError(
                .mismatch, prompts, "prompt \(missing + 1) has no reference, which --consistency risk needs")
        }
        return entries
    }
}
