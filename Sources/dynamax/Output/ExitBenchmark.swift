import DynamaxModels
import DynamaxTensor
import Foundation

/// Measures decoding with exits beside decoding through all layers, in turns, so that both meet the same machine.
struct ExitBenchmark {
    let model: LanguageModel
    let decoder: any Decoder
    let prompts: [[Token]]
    /// Tokens of each text.
    let tokens: Int
    let repetitions: Int

    /// What was found.
    struct Report: Encodable {
        let full: BenchReport.Rate
        let exits: BenchReport.Rate
        /// Of exits to full, each repetition by itself.
        let ratio: BenchReport.Rate
        /// Mean layers that a token ran through before it was decided, or drafted.
        let meanLayers: Double
        let layers: Int
        let draftedTokens: Int
        let acceptedTokens: Int
        /// Share of the tokens, place by place, that are the full model's.
        let sameTokens: Double

        var text: String {
            let drafts =
                draftedTokens > 0 ? String(format: ", %d of %d drafts kept", acceptedTokens, draftedTokens) : ""
            return """
                full          \(full.text("tokens/s"))
                exits         \(exits.text("tokens/s"))
                ratio         \(ratio.text("       "))
                \(String(format: "layers %16.2f of %d a token%@", meanLayers, layers, drafts))
                \(String(format: "same tokens %11.4f", sameTokens))
                """
        }
    }

    /// Writes all texts, once for nothing and then as often as asked for, and takes turns in who begins.
    func report() throws -> Report {
        var (full, exits): ([Double], [Double]) = ([], [])
        var found = Texts()
        for round in 0...repetitions {
            var (slow, fast) = (Texts(), Texts())
            for (index, prompt) in prompts.enumerated() {
                let decoders: [any Decoder] = [FullDepthDecoder(model.stack), decoder]
                for turn in (round + index) % 2 == 0 ? [0, 1] : [1, 0] {
                    if turn == 0 {
                        try slow.write(model, decoders[turn], prompt, tokens)
                    } else {
                        try fast.write(model, decoders[turn], prompt, tokens)
                    }
                }
            }
            fast.compare(with: slow)
            found = fast
            guard round > 0 else { continue }
            full.append(slow.rate)
            exits.append(fast.rate)
        }
        return Report(
            full: .init(full), exits: .init(exits), ratio: .init(zip(exits, full).map { $0 / $1 }),
            meanLayers: Double(found.layers) / Double(max(found.decoded, 1)), layers: model.stack.layerCount,
            draftedTokens: found.ledger.draftedTokens, acceptedTokens: found.ledger.acceptedTokens,
            sameTokens: Double(found.same) / Double(max(found.tokens.joined().count, 1)))
    }

    /// Texts of one round. The first token of each is the prompt's work, and does not count.
    private struct Texts {
        var tokens: [[Token]] = []
        var (decoded, layers, same) = (0, 0, 0)
        var seconds = 0.0
        var ledger = Ledger()

        var rate: Double { Double(decoded) / max(seconds, 1e-9) }

        mutating func write(_ model: LanguageModel, _ decoder: any Decoder, _ prompt: [Token], _ count: Int) throws {
            var generation = try Generation(model, decoder, prompt: prompt, limits: .init(tokens: count))
            var text: [Token] = []
            let start = ContinuousClock.now
            while let choice = try generation.next() {
                if !text.isEmpty { layers += choice.layer }
                text.append(choice.token)
            }
            seconds += start.duration(to: .now).seconds
            decoded += max(text.count - 1, 0)
            ledger += generation.ledger
            tokens.append(text)
        }

        mutating func compare(with full: Texts) {
            same = zip(tokens, full.tokens).reduce(0) { sum, pair in
                sum + zip(pair.0, pair.1).count { $0 == $1 }
            }
        }
    }
}
