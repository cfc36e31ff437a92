import DynamaxDepth
import DynamaxFormats
import DynamaxLayers
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracles: decoding token by token, and the full model's fresh run, both bit for bit.

@Suite struct ForcedPassTests {
    private struct Text {
        let prompt: [Token]
        let rows: [Token]
        /// Two tokens are asked about after each of the last rows.
        let asked: Int
        var questions: [[Token]] { (0..<asked).map { [Token(3 + $0), Token(40 + $0)] } }
    }

    private func texts(_ seed: UInt64) -> [Text] {
        var random = Seeded(seed)
        func tokens(_ count: Int) -> [Token] { (0..<count).map { _ in Token.random(in: 3..<96, using: &random) } }
        return [(0, 9, 9), (5, 17, 12), (3, 1, 1), (12, 30, 30), (1, 6, 2)].map { prompt, rows, asked in
            Text(prompt: tokens(prompt), rows: tokens(rows), asked: asked)
        }
    }

    private func heads(_ model: LanguageModel, _ kind: HeadKind, _ folder: TemporaryFolder) throws -> ExitHeads {
        let parameters = TrainableParameters()
        let heads = try ExitHeads(
            learning: .init(model: "digest", width: model.stack.width, kind: kind, layers: [1, 2]), seed: 5,
            parameters: parameters, on: model.stack.device)
        let path = "\(folder.path)/heads.safetensors"
        try heads.write(parameters, to: path)
        return try ExitHeads(contentsOf: path, on: model.stack.device)
    }

    /// A threshold that lets about half of the rows go at the first exit.
    private func threshold(_ kind: ExitScore.Kind, _ heads: ExitHeads?, _ model: LanguageModel) throws -> Float {
        let all = try ExitPolicy(
            kind.score(kind.largerIsSurer ? -2 : 1e9), heads: heads, after: [1], of: model.stack.layerCount)
        let scores = try texts(1).flatMap { text in
            var decoder = EarlyExitDecoder(model.stack, all)
            return try decoder.force(
                ForcedRows(decoder.makeState(history: 0), text.prompt + text.rows, questions: text.questions)
            )
            .rows.compactMap(\.score)
        }.sorted()
        return scores[scores.count / 2]
    }

    /// Runs all texts as one batch.
    private func together(
        _ texts: [Text], _ model: LanguageModel, _ policy: ExitPolicy?, chunk: Int
    ) throws -> (answers: [ForcedRows.Answers], states: [SequenceState]) {
        let pass = ForcedPass(model.stack, policy, chunk: chunk)
        let states = texts.map { _ in pass.makeState() }
        let prompts = texts.indices.filter { !texts[$0].prompt.isEmpty }
        _ = try pass.run(
            prompts.map { ForcedRows(states[$0], texts[$0].prompt, questions: [], runsThrough: true) })
        let rows = zip(texts, states).map { ForcedRows($1, $0.rows, questions: $0.questions) }
        return (try pass.run(rows), states)
    }

    private func expectSame(_ model: LanguageModel, _ policy: ExitPolicy, _ texts: [Text]) throws -> Set<Int> {
        var depths: Set<Int> = []
        let expected = try texts.map { text in
            var decoder = EarlyExitDecoder(model.stack, policy)
            let state = decoder.makeState(history: 0)
            return try decoder.force(ForcedRows(state, text.prompt + text.rows, questions: text.questions)).rows
        }
        for chunk in [512, 7, 1] {
            let (answers, states) = try together(texts, model, policy, chunk: chunk)
            for (text, (own, state)) in zip(expected, zip(answers, states)) {
                #expect(own.rows == text, "\(policy.score), chunks of \(chunk)")
                #expect(state.isConsistent)
                depths.formUnion(own.rows.map(\.layer))
            }
            guard policy.heads?.remember != true else { continue }
            for (text, state) in zip(texts, states) {
                _ = model.stack.catchUp(state)
                #expect(try contents(of: state) == contents(of: model.fresh(text.prompt + text.rows)))
            }
        }
        return depths
    }

    @Test(
        "level by level is what token by token is",
        arguments: ["llama-gqa", "mistral-window", "mamba", "mamba2-groups"],
        [ExitScore.Kind.softmax, .margin, .entropy, .saturation, .reduced])
    func scores(_ name: String, _ kind: ExitScore.Kind) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 2))
        let score = try kind.score(threshold(kind, nil, model))
        let policy = try ExitPolicy(score, after: [1, 2], of: model.stack.layerCount)
        let depths = try expectSame(model, policy, texts(2))
        #expect(depths.count > 1, "\(depths)")
    }

    @Test("fixed depths, and none", arguments: ["llama-gqa", "mamba2-groups"], [KVCacheFormat.f32, .int8])
    func depths(_ name: String, _ cache: KVCacheFormat) throws {
        let model = try ReferenceModel.named(name).load(cacheFormat: cache, on: Device(threads: 1))
        for depth in 1...model.stack.layerCount {
            let policy = try ExitPolicy(.depth(depth), of: model.stack.layerCount)
            #expect(try expectSame(model, policy, texts(3)) == [depth])
        }
        let texts = texts(4)
        let answers = try together(texts, model, nil, chunk: 512).answers
        for (text, own) in zip(texts, answers) {
            let logits = model.append(text.prompt + text.rows, to: model.stack.makeState(history: 0))
            let width = model.stack.vocabularySize
            for (row, answer) in own.rows.enumerated() {
                let numbers = logits.suffix((text.asked - row) * width).prefix(width).map(Double.init)
                let total = log(numbers.reduce(0) { $0 + exp($1) })
                #expect(answer.layer == model.stack.layerCount && answer.score == nil)
                #expect(numbers[Int(answer.likeliest)] == numbers.max())
                for (token, value) in zip(text.questions[row], answer.logProbabilities) {
                    #expect(abs(value - (numbers[Int(token)] - total)) < 1e-5)
                }
            }
            #expect(own.ledger.layerRows == text.asked * model.stack.layerCount)
            #expect(own.ledger.catchUpRows == (text.rows.count - text.asked) * model.stack.layerCount)
        }
    }

    @Test(
        "heads judge alike, those that remember too", arguments: ["llama-gqa", "mamba2-groups"],
        [HeadKind.linear, .mamba(width: 16, states: 8), .gate(translates: true), .gate(translates: false)])
    func heads(_ name: String, _ kind: HeadKind) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 2))
        let heads = try heads(model, kind, TemporaryFolder())
        let policy = try ExitPolicy(
            .heads(threshold(.heads, heads, model)), heads: heads, of: model.stack.layerCount)
        let depths = try expectSame(model, policy, texts(5))
        #expect(depths.count > 1, "\(depths)")
    }

    @Test("a threshold that falls along the text falls for each row")
    func decay() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        let threshold = try threshold(.softmax, nil, model)
        let policy = try ExitPolicy(
            .softmax(threshold), after: [1, 2], pacing: Pacing(decay: ThresholdDecay(.released, rate: 4, length: 12)),
            of: model.stack.layerCount)
        #expect(try expectSame(model, policy, texts(6)).count > 1)
    }

    /// Writes texts greedily, all as one batch of which some end before others, and each by itself.
    private func expectSameTexts(_ model: LanguageModel, _ policy: ExitPolicy) throws -> Set<Int> {
        let prompts = texts(7).map { $0.prompt + $0.rows }
        let pass = ForcedPass(model.stack, policy)
        let states = prompts.map { _ in pass.makeState() }
        var decoders = prompts.map { _ in EarlyExitDecoder(model.stack, policy) }
        let alone = decoders.map { $0.makeState(history: 0) }
        var newest = try pass.run(
            zip(prompts, states).map { ForcedRows($1, $0, questions: [[]], runsThrough: true) }
        ).enumerated().map { index, answers in
            let step = decoders[index].prefill(prompts[index], alone[index])
            #expect(answers.rows[0].likeliest == step.logits.summarizedLogits(ofRow: 0).argmax)
            #expect(answers.rows[0].layer == model.stack.layerCount && answers.rows[0].score == nil)
            return answers.rows[0].likeliest
        }
        var depths: Set<Int> = []
        for number in 0..<16 {
            let open = prompts.indices.filter { number < 4 * ($0 + 1) }
            let answers = try pass.run(
                open.map { ForcedRows(states[$0], [newest[$0]], questions: [[]], decided: number) })
            for (index, answers) in zip(open, answers) {
                let step = decoders[index].step(newest[index], alone[index])
                #expect(answers.rows[0].layer == step.layer && answers.rows[0].score == step.score)
                #expect(answers.ledger == step.ledger, "\(policy.score), token \(number)")
                newest[index] = answers.rows[0].likeliest
                #expect(newest[index] == step.logits.summarizedLogits(ofRow: 0).argmax)
                depths.insert(step.layer)
            }
        }
        return depths
    }

    @Test("texts are written together as each is alone", arguments: ["llama-gqa", "mistral-window", "mamba2-groups"])
    func writing(_ name: String) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 2))
        for kind in [ExitScore.Kind.softmax, .saturation, .reduced] {
            let score = try kind.score(threshold(kind, nil, model))
            _ = try expectSameTexts(model, ExitPolicy(score, after: [1, 2], of: model.stack.layerCount))
        }
        _ = try expectSameTexts(model, ExitPolicy(.depth(1), of: model.stack.layerCount))
        for kind in [HeadKind.linear, .mamba(width: 16, states: 8), .gate(translates: true)] {
            let heads = try heads(model, kind, TemporaryFolder())
            let score = try ExitScore.heads(threshold(.heads, heads, model))
            _ = try expectSameTexts(model, ExitPolicy(score, heads: heads, of: model.stack.layerCount))
        }
        let decay = Pacing(decay: ThresholdDecay(.released, rate: 4, length: 12))
        let falling = try ExitPolicy(
            .softmax(threshold(.softmax, nil, model)), after: [1, 2], pacing: decay, of: model.stack.layerCount)
        #expect(try expectSameTexts(model, falling).count > 1)
    }

    @Test("logits that are not numbers are an error, which names the position")
    func notANumber() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        let state = model.stack.makeState(history: 0)
        let nan = Tensor(
            [Float](repeating: .nan, count: model.stack.width), Shape(rows: 1, columns: model.stack.width),
            on: model.stack.device)
        _ = model.stack.run(0..<model.stack.layerCount, nan, Batch(state, rows: 1))
        #expect(throws: GenerationError.notANumber(position: 2)) {
            try ForcedPass(model.stack, nil).run([ForcedRows(state, [5, 6], questions: [[7]])])
        }
    }
}
