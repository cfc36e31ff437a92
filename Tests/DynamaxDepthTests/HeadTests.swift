import DynamaxDepth
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracles: the full model, bit for bit; a head read over the whole text at once; a rule that the labels follow exactly.

@Suite struct HeadTests {
    static let kinds = [HeadKind.linear, .feedForward(inner: 24), .mamba(width: 16, states: 8)]

    private func trace(_ model: LanguageModel, texts: Int, rows: Int, seed: UInt64, layers: [Int] = [1, 2]) -> ExitTrace
    {
        var random = Seeded(seed)
        var trace = ExitTrace(layers: layers, layerCount: model.stack.layerCount, width: model.stack.width)
        for _ in 0..<texts {
            trace.add((0..<rows).map { _ in Token.random(in: 3..<96, using: &random) }, model)
        }
        return trace
    }

    private func heads(_ model: LanguageModel, _ kind: HeadKind, steps: Int = 5, _ folder: TemporaryFolder) throws
        -> ExitHeads
    {
        var settings = HeadTrainer.Settings()
        settings.steps = steps
        let trainer = try HeadTrainer(
            trace(model, texts: 6, rows: 20, seed: 1), kind: kind, model: "digest", settings: settings,
            on: model.stack.device)
        trainer.run()
        let path = "\(folder.path)/heads.safetensors"
        try trainer.heads.write(trainer.parameters, to: path)
        return try ExitHeads(contentsOf: path, on: model.stack.device)
    }

    @Test(
        "with heads, exact is the full model, and states are those of a fresh run",
        arguments: ["llama-gqa", "mamba2-groups"], kinds.indices)
    func exact(_ name: String, _ kind: Int) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 2))
        let heads = try heads(model, Self.kinds[kind], TemporaryFolder())
        let prompt: [Token] = [5, 9, 40, 7]
        let sampling = Sampling(temperature: 0.4, seed: 2)
        func write(_ decoder: any Decoder) throws -> (tokens: [Token], generation: Generation) {
            var generation = try Generation(
                model, decoder, prompt: prompt, sampling: sampling, limits: .init(tokens: 40))
            var tokens: [Token] = []
            while let choice = try generation.next() { tokens.append(choice.token) }
            return (tokens, generation)
        }
        let full = try write(FullDepthDecoder(model.stack)).tokens
        var depths = Set<Int>()
        for threshold: Float in [0.3, 0.45, 0.5, 0.55, 2] {
            let policy = try ExitPolicy(.heads(threshold), heads: heads, of: 3)
            let decoder = SelfSpeculativeDecoder(model.stack, policy, drafts: .fixed(4))
            let (tokens, generation) = try write(decoder)
            #expect(tokens == full, "\(threshold)")
            #expect(generation.state.isConsistent)
            depths.insert(generation.ledger.draftedTokens)
            let fresh = decoder.makeState(history: 0)
            _ = decoder.prefill(Array((prompt + tokens).prefix(generation.state.length)), fresh)
            let (found, expected) = (generation.state.readers, fresh.readers)
            #expect(found.keys.sorted() == expected.keys.sorted())
            for (layer, reader) in found {
                #expect(try contents(of: reader) == contents(of: expected[layer]!), "the head after layer \(layer)")
            }
        }
        #expect(depths.count > 1, "thresholds must make a difference")
    }

    @Test(
        "a head's state moves with the sequence's",
        arguments: [
            ("llama-gqa", StateRule.deferred), ("llama-gqa", .project), ("llama-gqa", .copy),
            ("mamba2-groups", .deferred), ("mamba2-groups", .project), ("mamba2-groups", .skip),
        ])
    func moving(_ name: String, _ rule: StateRule) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 1))
        let heads = try heads(model, .mamba(width: 16, states: 8), TemporaryFolder())
        var decoder = try EarlyExitDecoder(model.stack, ExitPolicy(.heads(0.5), heads: heads, of: 3), state: rule)
        var random = Seeded(4)
        var state = decoder.makeState(history: 8)
        let twin = decoder.makeState(history: 8)
        _ = decoder.prefill([5, 6], state)
        _ = decoder.prefill([5, 6], twin)
        for step in 0..<40 {
            let token = Token.random(in: 3..<96, using: &random)
            if step % 5 == 1 {
                let moved = decoder.makeState(history: 8)
                try moved.restore(state.serialize())
                state = moved
            } else if step % 5 == 3 {
                state = state.fork()
                _ = decoder.step(9, state)
                try state.truncate(to: state.length - 1)
            }
            let (a, b) = (decoder.step(token, state), decoder.step(token, twin))
            #expect(a.layer == b.layer)
            #expect(a.score == b.score)
            #expect(a.logits.array == b.logits.array)
            #expect(state.isConsistent)
        }
    }

    @Test("heads learn what can be learned", arguments: kinds)
    func learning(_ kind: HeadKind) throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 2))
        let all = trace(model, texts: 24, rows: 40, seed: 3, layers: [2])
        let (learned, held) = all.split(0.75)
        #expect(learned.sequences.count + held.sequences.count == 24)
        #expect(!held.sequences.isEmpty)
        var settings = HeadTrainer.Settings()
        settings.steps = 200
        settings.rate = 5e-3
        // About half of the rows are this near to the full model.
        let divergences = all.sequences.flatMap { $0.views[2]! }.map(\.divergence).sorted()
        settings.label = .divergence(divergences[divergences.count / 2])
        let trainer = try HeadTrainer(learned, kind: kind, model: "", settings: settings, on: model.stack.device)
        var losses: [Float] = []
        trainer.run { _, loss in losses.append(loss) }
        let (first, last) = (losses.prefix(20).reduce(0, +), losses.suffix(20).reduce(0, +))
        #expect(last < 0.95 * first, "\(kind)")
    }

    @Test("a trace from a file is the one that the model gives")
    func files() throws {
        let folder = try TemporaryFolder()
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        let tokens: [Token] = [5, 9, 40, 7, 8]
        let path = "\(folder.path)/trace.safetensors"
        try ModelTrace(model, tokens: tokens, continuation: 0).write(to: path, model: "")
        var (read, run) = (
            ExitTrace(layers: [1, 2], layerCount: 3, width: model.stack.width), trace(model, texts: 0, rows: 0, seed: 0)
        )
        try read.add(contentsOf: path, on: model.stack.device)
        run.add(tokens, model)
        #expect(read.sequences.count == 1 && read.rows == 5)
        for layer in [1, 2] {
            #expect(read.sequences[0].hidden[layer] == run.sequences[0].hidden[layer])
            #expect(read.sequences[0].views[layer] == run.sequences[0].views[layer])
        }
        var other = ExitTrace(layers: [1], layerCount: 4, width: model.stack.width)
        #expect(throws: FormatError.self) { try other.add(contentsOf: path, on: model.stack.device) }
    }

    @Test("heads of another model are refused")
    func mismatch() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        let folder = try TemporaryFolder()
        let heads = try heads(model, .linear, folder)
        try heads.check(fingerprint: "digest", model.stack, path: "h")
        #expect(throws: FormatError.self) { try heads.check(fingerprint: "other", model.stack, path: "h") }
        #expect(throws: ExitError.noHead(1, known: [2])) {
            let two = try HeadTrainer(
                trace(model, texts: 2, rows: 8, seed: 1, layers: [2]), kind: .linear, model: "", on: model.stack.device)
            _ = try ExitPolicy(.heads(0.5), heads: two.heads, after: [1], of: 3)
        }
        #expect(throws: ExitError.noHeads) { try ExitPolicy(.heads(0.5), of: 3) }
        #expect(throws: (any Error).self) { try ExitHeads(contentsOf: "\(folder.path)/none", on: model.stack.device) }
    }

    @Test func specifications() throws {
        #expect(try ExitSpecification("heads:a/b@0.7").score == .heads(0.7))
        #expect(try ExitSpecification("heads:a@b").headsFile == "a@b")
        #expect(try ExitSpecification("heads:a").score == .heads(0.5))
        #expect(throws: ExitError.self) { try ExitSpecification("heads:") }
        #expect(throws: ExitError.self) { try ExitSpecification("heads:a@nan") }
        let labels = ["top:5", "kl:0.1", "argmax", "top:0", "kl:-1", "best"].map { HeadLabel($0) }
        #expect(labels == [.topK(5), .divergence(0.1), .topK(1), nil, nil, nil])
    }

    @Test("simulated exits count depth and agreement")
    func simulation() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        let trace = trace(model, texts: 4, rows: 30, seed: 8)
        let simulation = ExitSimulation(trace) { $0.maximum }
        #expect(simulation.point(.infinity).depth == 3 && simulation.point(.infinity).consistency == 1)
        #expect(simulation.point(0).depth == 1)
        let views = trace.sequences.flatMap { $0.views[1]! }
        #expect(simulation.point(0).consistency == Double(views.count { $0.rank == 0 }) / Double(views.count))
        let found = simulation.shallowest(consistency: 0.5)
        #expect(found.consistency >= 0.5)
        #expect(simulation.shallowest(consistency: 1).depth >= simulation.oracleDepth)
        for view in views { #expect(view.divergence >= 0 && view.rank >= 0) }
    }
}
