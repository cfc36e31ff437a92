import DynamaxDepth
import DynamaxFormats
import DynamaxLayers
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracles: transformers, its layers and caches driven by the rules (Tests/Fixtures/Scripts/make_state_rules.py); the layers'
// own full run, bit for bit; states kept aside before positions that are taken back.

@Suite struct StateRuleTests {
    static let attention = ["llama-gqa", "mistral-window", "qwen3"]
    static let recurrent = ["mamba", "falcon-mamba", "mamba2-groups"]
    static let approximate = [StateRule.project, .copy, .skip]

    private func token(_ random: inout Seeded) -> Token { Token.random(in: 3..<96, using: &random) }

    private func model(_ name: String, _ format: Quantization? = nil, threads: Int = 2) throws -> LanguageModel {
        try ReferenceModel.named(name).load(quantization: format, on: Device(threads: threads))
    }

    /// Runs a token that leaves after `depth` layers.
    private func step(
        _ model: LanguageModel, _ rule: StateRule, depth: Int, _ token: Token, _ state: SequenceState
    ) throws -> DecodingStep {
        let policy = try ExitPolicy(.depth(depth), of: model.stack.layerCount)
        var decoder = try EarlyExitDecoder(model.stack, policy, state: rule)
        return decoder.step(token, state)
    }

    @Test(
        "logits are those of transformers under the same rule",
        arguments: ["llama-gqa", "qwen3", "mamba", "falcon-mamba", "mamba2-groups"])
    func transformers(_ name: String) throws {
        let model = try model(name)
        let file = try SafetensorsFile(Fixtures.url("state-rules/\(name).safetensors").path)
        let tokens = try file.require("tokens").integers()
        let depths = try file.require("depths").integers()
        let rules = Self.approximate.filter { $0.fits(model.stack) }
        #expect(Set(rules.map(\.rawValue) + ["tokens", "depths"]) == Set(file.tensorNames))
        var answers: [[Float]] = []
        for rule in rules {
            let state = model.stack.makeState(history: 0)
            var logits: [Float] = []
            for (token, depth) in zip(tokens, depths) {
                logits += try step(model, rule, depth: depth, Token(token), state).logits.array
            }
            #expect(relativeError(logits, try file.require(rule.rawValue).floats()) < 1e-5, "\(rule)")
            answers.append(logits)
        }
        #expect(relativeError(answers[0], answers[1]) > 1e-2, "the rules must make a difference")
    }

    @Test(
        "a state-only pass leaves what each layer's full run on the same rows leaves", arguments: attention + recurrent,
        [Quantization.f32, .bf16, .q8, Quantization(.q4, group: 32)])
    func absorbing(_ name: String, _ format: Quantization) throws {
        let model = try model(name, format)
        var random = Seeded(1)
        let layers = model.stack.layerCount
        for counts in [[1], [3], [90], [2, 1, 40]] {
            let states = counts.indices.map { model.fresh([5, 9, Token(7 + $0)], history: 6) }
            let twins = states.map { $0.fork() }
            let rows = counts.reduce(0, +)
            let hidden = Tensor(
                random.floats(rows * model.stack.width), [rows, model.stack.width], on: model.stack.device)
            func batch(_ states: [SequenceState]) -> Batch {
                Batch(zip(states, counts).map { Batch.Part($0, rows: $1) })
            }
            model.stack.absorb(0..<layers, hidden, batch(states))
            for layer in 0..<layers { _ = model.stack.run(layer..<layer + 1, hidden, batch(twins)) }
            for (state, twin) in zip(states, twins) { #expect(try state.serialize() == twin.serialize(), "\(counts)") }
        }
    }

    @Test("copied keys and values are those of the layer below", arguments: attention)
    func copying(_ name: String) throws {
        let model = try model(name)
        let layers = model.stack.layerCount
        var random = Seeded(2)
        let state = model.fresh([5, 9, 40])
        for _ in 0..<80 {
            let depth = Int.random(in: 1...layers, using: &random)
            let before = try contents(of: state)
            _ = try step(model, .copy, depth: depth, token(&random), state)
            let after = try contents(of: state)
            for layer in 0..<layers {
                for part in ["keys", "values"] {
                    let (old, new) = (before["layers.\(layer).\(part)"]!, after["layers.\(layer).\(part)"]!)
                    #expect(new.starts(with: old))
                    let last = new.suffix(new.count - old.count)
                    if layer >= depth {
                        #expect(last == after["layers.\(depth - 1).\(part)"]!.suffix(last.count))
                    }
                }
            }
        }
    }

    @Test("skipped states stay as they are", arguments: recurrent)
    func skipping(_ name: String) throws {
        let model = try model(name)
        let layers = model.stack.layerCount
        var random = Seeded(3)
        let state = model.fresh([5, 9, 40], history: 4)
        for _ in 0..<30 {
            let depth = Int.random(in: 1...layers, using: &random)
            let before = try contents(of: state)
            _ = try step(model, .skip, depth: depth, token(&random), state)
            let after = try contents(of: state)
            for layer in 0..<layers {
                let name = "layers.\(layer).memory"
                #expect((before[name] == after[name]) == (layer >= depth))
            }
        }
    }

    @Test(
        "append, truncate, fork and move give what they give without turning back",
        arguments: ["llama-gqa", "mistral-window", "mamba", "mamba2-groups"], approximate)
    func scripts(_ name: String, _ rule: StateRule) throws {
        let model = try model(name, threads: 1)
        guard rule.fits(model.stack) else { return }
        let layers = model.stack.layerCount
        for seed in 0..<8 {
            let history = [1, 3, 8][seed % 3]
            var random = Seeded(UInt64(seed))
            var state = model.stack.makeState(history: history)
            // What the state held after each number of positions, and in the end a run with the same exits and no turns.
            var (kept, path, longest) = ([try contents(of: state)], [(Token, Int)](), 0)
            for _ in 0..<90 {
                switch Int.random(in: 0..<10, using: &random) {
                case 0:
                    let oldest = min(path.count, max(0, longest - history))
                    let position = Int.random(in: oldest...path.count, using: &random)
                    try state.truncate(to: position)
                    path.removeLast(path.count - position)
                    kept.removeLast(kept.count - position - 1)
                case 1:
                    let twin = state.fork()
                    _ = try step(model, rule, depth: 1, 5, twin)
                case 2:
                    let moved = model.stack.makeState(history: history)
                    try moved.restore(state.serialize())
                    state = moved
                default:
                    path.append((token(&random), Int.random(in: 1...layers, using: &random)))
                    _ = try step(model, rule, depth: path[path.count - 1].1, path[path.count - 1].0, state)
                    kept.append(try contents(of: state))
                }
                longest = max(longest, path.count)
                #expect(state.isConsistent)
                #expect((0..<layers).allSatisfy { state.progress(ofLayer: $0) == path.count })
                #expect(try contents(of: state) == kept[path.count])
            }
            let straight = model.stack.makeState(history: 0)
            for (token, depth) in path { _ = try step(model, rule, depth: depth, token, straight) }
            #expect(try contents(of: state) == contents(of: straight))
        }
    }

    @Test("several positions may be skipped at once", arguments: [1, 4, 9, 40])
    func skippingMany(_ count: Int) throws {
        let model = try model("mamba2-groups")
        for history in [0, 1, 4] {
            let state = model.fresh([5, 9, 40], history: history)
            var kept = [try contents(of: state)]
            for _ in 0..<count {
                _ = model.stack.run(0..<1, model.stack.embed([7]), Batch(state, rows: 1))
                kept.append(try contents(of: state.fork()))
            }
            state.skipPositions(in: 1..<model.stack.layerCount)
            #expect(state.isConsistent)
            for back in 1...max(1, min(history, count)) where history > 0 {
                let twin = state.fork()
                try twin.truncate(to: state.length - back)
                #expect(twin.isConsistent)
                #expect(
                    try contents(of: twin)["layers.0.memory"] == kept[count - back]["layers.0.memory"])
                #expect(try contents(of: twin)["layers.1.memory"] == kept[0]["layers.1.memory"])
            }
        }
    }

    @Test("a text that no token leaves early is the full model's", arguments: attention + recurrent, StateRule.allCases)
    func neverLeaving(_ name: String, _ rule: StateRule) throws {
        let model = try model(name)
        guard rule.fits(model.stack) else { return }
        func tokens(_ decoder: any Decoder) throws -> [Token] {
            var generation = try Generation(model, decoder, prompt: [5, 9, 40], limits: .init(tokens: 30))
            var tokens: [Token] = []
            while let choice = try generation.next() { tokens.append(choice.token) }
            return tokens
        }
        let full = try tokens(FullDepthDecoder(model.stack))
        for spec in ["depth:\(model.stack.layerCount)", "softmax:2"] {
            let policy = try ExitPolicy(ExitScore(spec), of: model.stack.layerCount)
            #expect(try tokens(EarlyExitDecoder(model.stack, policy, state: rule)) == full)
        }
    }

    @Test("rules that do not fit a model are refused with those that do")
    func unfit() throws {
        for (name, rule, fitting) in [
            ("llama-gqa", StateRule.skip, [StateRule.deferred, .project, .copy]),
            ("mamba", .copy, [.deferred, .project, .skip]),
        ] {
            let stack = try model(name).stack
            let policy = try ExitPolicy(.depth(1), of: stack.layerCount)
            #expect(throws: ExitError.stateRule(rule, fitting: fitting)) {
                try EarlyExitDecoder(stack, policy, state: rule)
            }
        }
    }

    @Test("the ledger counts each row once in each layer", arguments: ["llama-gqa", "mamba", "mamba2-groups"])
    func ledger(_ name: String) throws {
        let model = try model(name)
        let layers = model.stack.layerCount
        var costs: [StateRule: Int] = [:]
        for rule in StateRule.allCases where rule.fits(model.stack) {
            let ledger = try step(model, rule, depth: 1, 7, model.fresh([5, 9, 40])).ledger
            #expect(ledger.layerRows == 1 && ledger.catchUpRows == 0)
            #expect(ledger.stateOnlyRows == (rule == .deferred ? 0 : layers - 1))
            costs[rule] = ledger.cost.bytes
        }
        let full = try step(model, .deferred, depth: layers, 7, model.fresh([5, 9, 40])).ledger.cost.bytes
        #expect(costs[.deferred]! < costs[.project]! && costs[.project]! < full)
        if let copy = costs[.copy] { #expect(costs[.deferred]! < copy && copy < costs[.project]!) }
        if let skip = costs[.skip] { #expect(costs[.deferred]! == skip) }
    }
}
