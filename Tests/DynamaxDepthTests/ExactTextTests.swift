import DynamaxBundledModels
import DynamaxDepth
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText
import Foundation
import TestSupport
import Testing

// Oracle: the full model's text.
//
// Prompts are the beginnings of held-out stories in the folder `shared`. DYNAMAX_EXACT_PROMPTS sets how many are tried: a few by
// default, for the usual run of the tests.

private let stories = "data/corpora/tinystories/tinystories_valid_head.txt"

@Suite(.enabled(if: Shared.has(stories))) struct ExactTextTests {
    private static let count = Int(ProcessInfo.processInfo.environment["DYNAMAX_EXACT_PROMPTS"] ?? "") ?? 3

    /// The first words of stories, each a prompt of its own.
    private static func prompts() throws -> [String] {
        let text = try String(contentsOf: Shared.url(stories), encoding: .utf8)
        var seen = Set<String>()
        let beginnings = text.split(separator: "\n").compactMap { line -> String? in
            let words = line.split(separator: " ")
            guard words.count >= 12 else { return nil }
            let beginning = words.prefix(9).joined(separator: " ")
            return seen.insert(beginning).inserted ? beginning : nil
        }
        return Array(beginnings.prefix(count))
    }

    private static let models =
        ["stories-llama", "stories-mamba2"] + (Shared.has("models/stories260K") ? ["stories260K"] : [])

    @Test(
        "exits change no token of held-out prompts, whatever they are and however many drafts they make",
        arguments: models)
    func heldOut(_ name: String) throws {
        let isBundled = BundledModel(rawValue: name) != nil
        let files = try isBundled ? CheckpointFiles(named: name) : CheckpointFiles(Shared.url("models/\(name)").path)
        let model = try LanguageModel(files, on: Device(threads: 1))
        let tokenizer = try Tokenizer(files)
        let prompts = try Self.prompts().map { tokenizer.encode($0) }
        let limits = Generation.Limits(tokens: 48, stopTokens: Set(tokenizer.eosTokens))

        func text(_ prompt: [Token], _ decoder: any Decoder) throws -> ([Token], Generation.FinishReason?) {
            var generation = try Generation(model, decoder, prompt: prompt, limits: limits)
            var tokens: [Token] = []
            while let choice = try generation.next() { tokens.append(choice.token) }
            return (tokens, generation.finishReason)
        }
        let full = try prompts.map { try text($0, FullDepthDecoder(model.stack)) }
        let count = model.stack.layerCount
        let layers = Array(Set([count / 4, count / 2, 3 * count / 4])).filter { $0 > 0 }.sorted()
        for spec in [
            "depth:\(layers[0])", "depth:\(layers[1])", "softmax:0.5", "margin:0.2", "entropy:1.5", "saturation:0.9",
        ] {
            let policy = try ExitPolicy(ExitScore(spec), after: spec.hasPrefix("depth") ? nil : layers, of: count)
            for drafts in [1, 2, 3, 5, 8, 12, 0] {
                let decoder = SelfSpeculativeDecoder(
                    model.stack, policy, drafts: drafts == 0 ? .adaptive() : .fixed(drafts),
                    draftVocabulary: drafts % 2 == 0 ? nil : model.stack.vocabularySize / 4)
                for (prompt, expected) in zip(prompts, full) {
                    let written = try text(prompt, decoder)
                    #expect(written == expected, "\(spec), \(drafts) drafts, \(prompt)")
                }
            }
        }
    }
}
