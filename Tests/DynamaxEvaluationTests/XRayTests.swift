import DynamaxDepth
import DynamaxEvaluation
import DynamaxFormats
import DynamaxLayers
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracles: transformers' logits after each layer beside each reference checkpoint, the decoder's own ledger and the full
// model's own text; fates of states worked out by hand.

@Suite struct XRayTests {
    private let limits = Generation.Limits(tokens: 40)

    private func text(
        _ model: LanguageModel, _ decoder: any DynamaxModels.Decoder, sampling: Sampling = .greedy
    ) throws -> (text: WrittenText, xray: TextXRay) {
        let text = try WrittenText(model, decoder, prompt: [5, 6, 7], sampling: sampling, limits: limits)
        return (
            text,
            try TextXRay(
                model, prompt: [5, 6, 7], text: text, way: DecodingWay(decoder), sampling: sampling, limits: limits)
        )
    }

    @Test("each layer says what transformers' logits say", arguments: ["llama-gqa", "mamba2-groups", "mistral-window"])
    func logits(_ name: String) throws {
        let reference = ReferenceModel.named(name)
        let model = try reference.load(quantization: .f32, on: Device(threads: 2))
        let tokens = try reference.tokens()
        let expected = try reference.expected().require("exit_logits")
        let (layers, rows, vocabulary) = (expected.shape[0], expected.shape[1], expected.shape[2])
        let logits = try expected.floats()
        let trace = DepthTrace(model, prompt: [tokens[0]], written: Array(tokens.dropFirst()))
        #expect(trace.positions.count == rows - 1)
        func probabilities(_ layer: Int, _ row: Int) -> [Double] {
            let start = (layer * rows + row) * vocabulary
            let numbers = logits[start..<start + vocabulary].map { exp(Double($0)) }
            return numbers.map { $0 / numbers.reduce(0, +) }
        }
        for (row, views) in trace.positions.enumerated() {
            let full = probabilities(layers - 1, row)
            let best = try #require(full.indices.max { full[$0] < full[$1] })
            for (layer, view) in views.enumerated() {
                let own = probabilities(layer, row)
                let sorted = own.sorted(by: >)
                #expect(view.token.map { own[Int($0)] } == sorted[0])
                #expect(abs(Double(view.probability) - own[best]) < 1e-3)
                #expect(abs(Double(view.maximum) - sorted[0]) < 1e-3)
                #expect(abs(Double(view.margin) - (sorted[0] - sorted[1])) < 1e-3)
                #expect(abs(Double(view.entropy) - own.reduce(0) { $0 - ($1 > 0 ? $1 * log($1) : 0) }) < 1e-2)
            }
            #expect(trace.full(row) == Token(best))
        }
    }

    @Test("with gates, tokens and hazards are those of decoding")
    func gates() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        var random = Seeded(8)
        var trace = ExitTrace(layers: [1, 2], layerCount: 3, width: model.stack.width)
        for _ in 0..<8 { trace.add((0..<20).map { _ in Token.random(in: 3..<96, using: &random) }, model) }
        var settings = GateTrainer.Settings()
        (settings.steps, settings.batch) = (20, 64)
        let trainer = try GateTrainer(trace, held: trace, model.stack, model: "", settings: settings)
        trainer.run()
        let tokens = (0..<30).map { _ in Token.random(in: 3..<96, using: &random) }
        let seen = DepthTrace(model, prompt: [tokens[0]], written: Array(tokens[1...]), heads: trainer.heads)
        var left = Set<Int>()
        for threshold: Float in [0.3, 0.5, 0.7] {
            var decoder = EarlyExitDecoder(model.stack, try ExitPolicy(.heads(threshold), heads: trainer.heads, of: 3))
            let state = decoder.makeState(history: 0)
            for (position, views) in seen.positions.enumerated() {
                let step = decoder.step(tokens[position], state)
                let exit = (1...2).first { views[$0 - 1].head! >= threshold }
                #expect(step.layer == exit ?? 3)
                #expect(step.logits.summarizedLogits()[0].argmax == views[step.layer - 1].token)
                #expect(step.score == exit.flatMap { views[$0 - 1].head })
                left.insert(step.layer)
            }
        }
        #expect(left.count > 1)
    }

    @Test(
        "where exits decide, the text leaves the full model's at the first token that it would not have written",
        arguments: ["llama-gqa", "mamba2-groups"], ["depth:1", "softmax:0.03", "entropy:4"])
    func divergence(_ name: String, _ exit: String) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 2))
        let policy = try ExitPolicy(ExitScore(exit), after: exit.hasPrefix("depth") ? nil : [1, 2], of: 3)
        for sampling in [Sampling.greedy, Sampling(temperature: 0.8, topP: 0.9, repetitionPenalty: 1.2, seed: 3)] {
            let (text, xray) = try text(model, EarlyExitDecoder(model.stack, policy), sampling: sampling)
            #expect(xray.divergence == xray.entries.firstIndex { !$0.agrees })
            #expect(xray.account.ledger == text.ledger && text.tokens == xray.entries.map(\.token))
            #expect(xray.layers.reduce(0) { $0 + $1.decided } == 40)
            #expect(xray.layers[2].agreement == 1 && xray.layers[2].decided == xray.layers[2].decidedAgreeing)
            #expect(text.steps.map(\.tokens) == (1..<40).map { $0..<$0 + 1 })
            #expect(xray.steps.allSatisfy { $0.full.layerRows == 3 && $0.full.headRows == 1 })
        }
    }

    @Test("what is verified is the full model's, and drafts that were not kept are known")
    func verified() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 2))
        let policy = try ExitPolicy(ExitScore("depth:1"), of: 3)
        let decoder = SelfSpeculativeDecoder(model.stack, policy, drafts: .fixed(3))
        let (text, xray) = try text(model, decoder)
        #expect(xray.divergence == nil && xray.entries.allSatisfy(\.agrees))
        let rejected = xray.entries.filter { $0.rejected != nil }
        #expect(rejected.allSatisfy { $0.rejected != $0.token && $0.layer == 3 })
        // A round ends where a draft is not kept, or where all are.
        #expect(!rejected.isEmpty && rejected.count <= text.steps.count)
        #expect(text.ledger.acceptedTokens == xray.entries.count { $0.layer == 1 })
        #expect(text.steps.map(\.tokens.count).reduce(0, +) == 39)
        #expect(!xray.entries.contains { if case .caughtUp = $0.state { true } else { false } })
    }

    @Test("without exits there is nothing to compare with, and the cost is the full model's")
    func full() throws {
        let model = try ReferenceModel.named("mamba2").load(on: Device(threads: 2))
        let (text, xray) = try text(model, FullDepthDecoder(model.stack))
        #expect(xray.full == nil && xray.divergence == nil && xray.entries.allSatisfy(\.agrees))
        #expect(xray.fullAccount.ledger == text.ledger && xray.costRatio == 1)
    }

    @Test("rows that wait catch up with the next one that goes to the top")
    func fates() {
        // Token 0 is the prompt's; the row of token i decides token i + 1.
        let layers = [4, 2, 3, 4, 2, 4, 1, 2, 1]
        #expect(
            StateFate.all(layers, of: 4, .exits(.deferred)) == [
                .caughtUp(with: 2), .caughtUp(with: 2), .complete, .caughtUp(with: 4), .complete, .waits(layer: 2),
                .waits(layer: 2), .waits(layer: 1), .unread,
            ])
        #expect(StateFate.all(layers, of: 4, .exits(.skip))[0] == .moved(.skip))
        #expect(StateFate.all([4, 1, 4], of: 4, .verified) == [.verified, .complete, .unread])
        #expect(StateFate.all([], of: 4, .full) == [])
    }

    @Test("what waits at the end is what the state says", arguments: ["llama-gqa", "mamba2-groups"])
    func pending(_ name: String) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 2))
        let policy = try ExitPolicy(ExitScore("softmax:0.03"), after: [1, 2], of: 3)
        for count in [1, 2, 17, 18, 19, 40] {
            var generation = try Generation(
                model, EarlyExitDecoder(model.stack, policy), prompt: [5, 6, 7], limits: .init(tokens: count))
            var text = WrittenText()
            while try text.next(from: &generation) != nil {}
            let fates = StateFate.all(text.choices.map(\.layer), of: 3, .exits(.deferred))
            for layer in 1...2 {
                let waiting = fates.count { $0 == .waits(layer: layer) }
                #expect(waiting == generation.state.pendingRows(beforeLayer: layer))
            }
        }
    }
}
