import DynamaxDepth
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracle: the full model's text, and its state after a fresh run, compared bit for bit.

@Suite struct SpeculationTests {
    static let specs = [
        "depth:1", "depth:2", "softmax:0.02", "margin:0.001", "entropy:4.5", "saturation:0.6", "reduced:0.3",
    ]

    struct Text: Equatable {
        var tokens: [Token] = []
        var reason: Generation.FinishReason?
        var ledger = Ledger()

        static func == (a: Text, b: Text) -> Bool { a.tokens == b.tokens && a.reason == b.reason }
    }

    private func write(
        _ model: LanguageModel, _ decoder: any Decoder, prompt: [Token], sampling: Sampling = .greedy, count: Int = 40,
        stops: Set<Token> = []
    ) throws -> (text: Text, state: SequenceState) {
        var generation = try Generation(
            model, decoder, prompt: prompt, sampling: sampling, limits: .init(tokens: count, stopTokens: stops))
        var text = Text()
        while let choice = try generation.next() { text.tokens.append(choice.token) }
        text.reason = generation.finishReason
        text.ledger = generation.ledger
        return (text, generation.state)
    }

    @Test(
        "the text and the state are the full model's",
        arguments: ["llama-gqa", "mistral-window", "mamba", "mamba2-groups"],
        [Quantization.f32, .q8])
    func exact(_ name: String, _ format: Quantization) throws {
        let model = try ReferenceModel.named(name).load(quantization: format, on: Device(threads: 2))
        var (drafted, accepted) = (0, 0)
        for (index, spec) in Self.specs.enumerated() {
            let policy = try ExitPolicy(ExitScore(spec), after: spec.hasPrefix("depth") ? nil : [1, 2], of: 3)
            for (seed, length) in [(1, 1), (2, 2), (3, 5), (4, 12)] {
                var random = Seeded(UInt64(10 * index + seed))
                let prompt = (0..<Int.random(in: 1...9, using: &random)).map { _ in
                    Token.random(in: 3..<96, using: &random)
                }
                var sampling = seed % 2 == 1 ? .greedy : Sampling(temperature: 0.3, topP: 0.9, seed: UInt64(seed))
                // What comes later in a round must see what the round has drafted, and not what it has dropped.
                if index % 2 == 0 { sampling.repetitionPenalty = 1.4 }
                let full = try write(model, FullDepthDecoder(model.stack), prompt: prompt, sampling: sampling)
                let stop = full.text.tokens[Int.random(in: 0..<full.text.tokens.count, using: &random)]
                for (count, stops) in [(40, Set<Token>()), (40, [stop]), (7, [])] {
                    let expected = try write(
                        model, FullDepthDecoder(model.stack), prompt: prompt, sampling: sampling, count: count,
                        stops: stops)
                    let decoder = SelfSpeculativeDecoder(
                        model.stack, policy, drafts: .fixed(length), draftVocabulary: length == 5 ? 40 : nil)
                    let written = try write(
                        model, decoder, prompt: prompt, sampling: sampling, count: count, stops: stops)
                    #expect(written.text == expected.text, "\(spec), \(length) drafts")
                    #expect(written.state.length == expected.state.length)
                    let consumed = Array((prompt + expected.text.tokens).prefix(written.state.length))
                    #expect(try contents(of: written.state) == contents(of: model.fresh(consumed)))
                    drafted += written.text.ledger.draftedTokens
                    accepted += written.text.ledger.acceptedTokens
                }
            }
        }
        #expect(accepted > 0 && accepted < drafted, "\(accepted) of \(drafted) drafts accepted: both must occur")
    }

    /// Pearson's test against the probabilities that the full model gives, over both tokens that follow a prompt.
    @Test("drawn texts are distributed as the full model's", arguments: ["llama-gqa", "mamba2-groups"])
    func distribution(_ name: String) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 1))
        let prompt: [Token] = [5, 9, 40]
        let draws = 6000
        func probabilities(after tokens: [Token]) -> [Double] {
            let logits = model.append(tokens, to: model.stack.makeState(history: 0))
            let last = logits.suffix(model.stack.vocabularySize).map { exp(Double($0)) }
            return last.map { $0 / last.reduce(0, +) }
        }
        let first = probabilities(after: prompt)
        var expected = [Double](repeating: 0, count: first.count)
        for (token, share) in first.enumerated() {
            for (next, probability) in probabilities(after: prompt + [Token(token)]).enumerated() {
                expected[next] += share * probability * Double(draws)
            }
        }
        var counts = [Int](repeating: 0, count: first.count)
        let policy = try ExitPolicy(.depth(1), of: 3)
        for seed in 0..<draws {
            let decoder = SelfSpeculativeDecoder(model.stack, policy, drafts: .fixed(2))
            let sampling = Sampling(temperature: 1, seed: UInt64(seed))
            let text = try write(model, decoder, prompt: prompt, sampling: sampling, count: 4).text
            counts[Int(text.tokens[1])] += 1
        }
        // Rare tokens share a bin.
        let frequent = expected.indices.filter { expected[$0] >= 8 }
        let rare = (
            Double(draws) - frequent.reduce(0) { $0 + expected[$1] }, draws - frequent.reduce(0) { $0 + counts[$1] }
        )
        let bins = frequent.map { (expected[$0], counts[$0]) } + (rare.0 >= 8 ? [rare] : [])
        let chiSquare = bins.reduce(0.0) { sum, bin in
            let difference = Double(bin.1) - bin.0
            return sum + difference * difference / bin.0
        }
        // Wilson and Hilferty's approximation of the value that one in a thousand exceeds.
        let degrees = Double(bins.count - 1)
        let limit = degrees * pow(1 - 2 / (9 * degrees) + 3.09 * (2 / (9 * degrees)).squareRoot(), 3)
        #expect(degrees > 20 && chiSquare < limit, "\(chiSquare) of at most \(limit), \(degrees) degrees")
    }

    @Test("drafts of adaptive length give the same text", arguments: ["llama-gqa", "mamba2-groups"])
    func adaptive(_ name: String) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 1))
        let sampling = Sampling(temperature: 0.2, seed: 3)
        let full = try write(model, FullDepthDecoder(model.stack), prompt: [5, 9], sampling: sampling, count: 200)
        for spec in ["depth:1", "softmax:0.03"] {
            let policy = try ExitPolicy(ExitScore(spec), of: 3)
            let decoder = SelfSpeculativeDecoder(model.stack, policy)
            #expect(
                try write(model, decoder, prompt: [5, 9], sampling: sampling, count: 200).text == full.text, "\(spec)")
        }
    }

    @Test("the context is filled to its last position")
    func context() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        let context = try #require(model.context)
        let prompt = (0..<context - 5).map { Token(3 + $0 % 90) }
        let full = try write(model, FullDepthDecoder(model.stack), prompt: prompt, count: 100)
        let policy = try ExitPolicy(.depth(1), of: 3)
        let decoder = SelfSpeculativeDecoder(model.stack, policy, drafts: .fixed(4))
        #expect(full.text.reason == .context)
        #expect(try write(model, decoder, prompt: prompt, count: 100).text == full.text)
    }
}
