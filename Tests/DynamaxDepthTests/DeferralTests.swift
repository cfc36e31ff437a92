import DynamaxDepth
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracle: the full model's fresh run over the same tokens, compared bit for bit.

@Suite struct DeferralTests {
    private func token(_ random: inout Seeded) -> Token { Token.random(in: 3..<96, using: &random) }

    /// What the full model says after some tokens, by a fresh run.
    private func lastLogits(_ model: LanguageModel, _ tokens: [Token]) -> [Float] {
        Array(model.append(tokens, to: model.stack.makeState(history: 0)).suffix(model.stack.vocabularySize))
    }

    @Test(
        "random exits, then catching up, give the full model's state",
        arguments: ["llama-gqa", "mistral-window", "mamba", "mamba2-groups"],
        [(Quantization.f32, KVCacheFormat.f32), (.bf16, .int8), (.q8, .bf16)])
    func randomExits(_ name: String, _ forms: (weights: Quantization, cache: KVCacheFormat)) throws {
        let model = try ReferenceModel.named(name).load(
            quantization: forms.weights, cacheFormat: forms.cache, on: Device(threads: 2))
        let layers = model.stack.layerCount
        for seed in 0..<4 {
            var random = Seeded(UInt64(seed))
            var tokens = (0..<Int.random(in: 1...20, using: &random)).map { _ in token(&random) }
            let state = model.fresh(tokens, history: 12)
            for _ in 0..<60 {
                // A new depth for each token: the exits of any policy are some such series.
                let policy = try ExitPolicy(.depth(Int.random(in: 1...layers, using: &random)), of: layers)
                tokens.append(token(&random))
                var decoder = EarlyExitDecoder(model.stack, policy)
                let step = decoder.step(tokens[tokens.count - 1], state)
                #expect(state.isConsistent)
                if step.layer == layers {
                    #expect(step.logits.array == lastLogits(model, tokens))
                }
            }
            let caughtUp = state.fork()
            _ = model.stack.catchUp(caughtUp)
            #expect(try contents(of: caughtUp) == contents(of: model.fresh(tokens)))
        }
    }

    @Test(
        "append, truncate, fork and move with rows that wait give the full model's state",
        arguments: [
            ("llama-gqa", KVCacheFormat.f32), ("llama-gqa", .bf16), ("llama-gqa", .int8), ("mamba", .f32),
            ("mamba2-groups", .f32),
        ])
    func scripts(_ name: String, _ cache: KVCacheFormat) throws {
        let model = try ReferenceModel.named(name).load(cacheFormat: cache, on: Device(threads: 1))
        let layers = model.stack.layerCount
        let history = 8
        for seed in 0..<10 {
            var random = Seeded(UInt64(1000 + seed))
            var (state, tokens, longest) = (model.stack.makeState(history: history), [Token](), 0)
            for _ in 0..<80 {
                switch Int.random(in: 0..<10, using: &random) {
                case 0:
                    let oldest = min(tokens.count, max(0, longest - history))
                    let position = Int.random(in: oldest...tokens.count, using: &random)
                    try state.truncate(to: position)
                    tokens.removeLast(tokens.count - position)
                case 1:
                    let twin = state.fork()
                    var decoder = EarlyExitDecoder(model.stack, try ExitPolicy(.depth(1), of: layers))
                    _ = decoder.step(5, twin)
                case 2:
                    let moved = model.stack.makeState(history: history)
                    try moved.restore(state.serialize())
                    state = moved
                default:
                    let policy = try ExitPolicy(.depth(Int.random(in: 1...layers, using: &random)), of: layers)
                    tokens.append(token(&random))
                    var decoder = EarlyExitDecoder(model.stack, policy)
                    _ = decoder.step(tokens[tokens.count - 1], state)
                }
                longest = max(longest, tokens.count)
                #expect(state.isConsistent)
                #expect(state.length == tokens.count)
            }
            _ = model.stack.catchUp(state)
            #expect(try contents(of: state) == contents(of: model.fresh(tokens)))
        }
    }

    @Test("a threshold that nothing passes is the full model", arguments: ["llama-gqa", "mamba2-groups"])
    func neverLeaving(_ name: String) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 1))
        let prompt: [Token] = [5, 9, 40]
        let limits = Generation.Limits(tokens: 30)
        func tokens(_ decoder: any Decoder) throws -> [Token] {
            var generation = try Generation(model, decoder, prompt: prompt, limits: limits)
            var tokens: [Token] = []
            while let output = try generation.next() { tokens.append(output.token) }
            return tokens
        }
        let full = try tokens(FullDepthDecoder(model.stack))
        for spec in ["softmax:2", "margin:2", "entropy:-1", "saturation:2", "depth:\(model.stack.layerCount)"] {
            let policy = try ExitPolicy(ExitScore(spec), of: model.stack.layerCount)
            #expect(try tokens(EarlyExitDecoder(model.stack, policy)) == full, "\(spec)")
        }
    }

    @Test("scores decide as their definitions say")
    func scores() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        let state = model.fresh([5, 9, 40])
        let exit = 2
        // The definitions, in Double, on the exit's logits.
        let twin = state.fork()
        let entered = model.stack.run(0..<1, model.stack.embed([7]), Batch(twin, rows: 1))
        let left = model.stack.run(1..<2, entered, Batch(twin, rows: 1))
        let logits = model.stack.head(left).array.map(Double.init)
        let probabilities = softmax(logits).sorted(by: >)
        let entropy = -probabilities.reduce(0) { $0 + ($1 > 0 ? $1 * log($1) : 0) }
        let (a, b) = (entered.array.map(Double.init), left.array.map(Double.init))
        let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
        let expected: [(String, Double)] = [
            ("softmax", probabilities[0]), ("margin", probabilities[0] - probabilities[1]), ("entropy", entropy),
            ("saturation", cosine),
        ]
        for (name, value) in expected {
            for (offset, leaves) in [(-1e-3, name != "entropy"), (1e-3, name == "entropy")] {
                let policy = try ExitPolicy(ExitScore("\(name):\(value + offset)"), after: [exit], of: 3)
                var decoder = EarlyExitDecoder(model.stack, policy)
                let step = decoder.step(7, state.fork())
                #expect((step.layer == exit) == leaves, "\(name) \(offset)")
            }
        }
    }

    @Test("among few tokens, exits decide as the definition says", arguments: ["llama-gqa", "mamba2-groups"])
    func reduced(_ name: String) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 1))
        let stack = model.stack
        var random = Seeded(9)
        var (left, stayed, vetoed) = (0, 0, 0)
        for _ in 0..<60 {
            let tokens = (0..<4).map { _ in token(&random) }
            let state = model.fresh(Array(tokens.dropLast()))
            // The definition, on all logits of both exits, in Double.
            let twin = state.fork()
            let first = stack.run(0..<1, stack.embed([tokens[3]]), Batch(twin, rows: 1))
            let second = stack.run(1..<2, first, Batch(twin, rows: 1))
            let (one, two) = (stack.head(first).array.map(Double.init), stack.head(second).array.map(Double.init))
            let candidates = one.indices.sorted { one[$0] > one[$1] }.prefix(4)
            let sureness = softmax(candidates.map { two[$0] }).max() ?? 0
            let best = two.indices.max { two[$0] < two[$1] } ?? 0
            for threshold in [sureness - 1e-4, sureness + 1e-4]
            where softmax(candidates.map { one[$0] }).max()! < threshold {
                let policy = try ExitPolicy(.reduced(Float(threshold)), after: [1, 2], of: 3)
                var decoder = EarlyExitDecoder(stack, policy)
                let leaves = sureness >= threshold && candidates.contains(best)
                #expect(decoder.step(tokens[3], state.fork()).layer == (leaves ? 2 : 3))
                if leaves { left += 1 } else if sureness >= threshold { vetoed += 1 } else { stayed += 1 }
            }
        }
        #expect(left > 0 && stayed > 0 && vetoed > 0, "\(left), \(stayed), \(vetoed)")
    }

    @Test(
        "wrong exits are refused", arguments: ["", "depth", "depth:0", "depth:x", "softmax:nan", "best:1", "softmax"])
    func wrongSpecs(_ spec: String) {
        #expect(throws: ExitError.self) { try ExitScore(spec) }
    }

    @Test func exitsBeyondTheModelAreRefused() throws {
        #expect(throws: ExitError.layer(7, layers: 6)) { try ExitPolicy(.depth(7), of: 6) }
        #expect(throws: ExitError.layer(0, layers: 6)) { try ExitPolicy(.softmax(0.5), after: [0], of: 6) }
        #expect(try ExitPolicy(.softmax(0.5), of: 6).layers == [3, 4, 5])
        #expect(try ExitPolicy(.depth(6), of: 6).layers.isEmpty)
    }
}

private func softmax(_ logits: [Double]) -> [Double] {
    let exponentials = logits.map { exp($0 - logits.max()!) }
    return exponentials.map { $0 / exponentials.reduce(0, +) }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
