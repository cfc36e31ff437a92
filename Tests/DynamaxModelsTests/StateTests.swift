import DynamaxFormats
import DynamaxLayers
import DynamaxModels
import DynamaxTensor
import TestSupport
import Testing

// Oracle: a fresh run of the same model over the same tokens, compared bit for bit.

private let references = ["llama-gqa", "mistral-window", "mamba", "mamba2-groups"]
private let transformers = ["llama-gqa", "mistral-window"]

/// How weights and caches are held.
struct Forms: Hashable, Sendable {
    let weights: Quantization
    var cache = KVCacheFormat.f32
}

private let forms: [Forms] =
    [.f32, .bf16, .q8, Quantization(.q4, group: 32)].map { Forms(weights: $0) }
    + [Forms(weights: .f32, cache: .bf16), Forms(weights: .q8, cache: .bf16), Forms(weights: .f32, cache: .int8)]

@Suite struct StateTests {
    private func tokens(_ count: Int, _ seed: UInt64) -> [Token] {
        var random = Seeded(seed)
        return (0..<count).map { _ in Token.random(in: 3..<96, using: &random) }
    }

    @Test("chunks of any size give the same bits", arguments: references, forms)
    func chunks(_ name: String, _ forms: Forms) throws {
        let model = try ReferenceModel.named(name).load(forms, on: Device(threads: 1))
        let tokens = tokens(100, 1)
        let whole = model.stack.makeState(history: 8)
        let expected = model.append(tokens, to: whole)
        for size in [1, 7, 64] {
            let state = model.stack.makeState(history: 8)
            var logits: [Float] = []
            for start in stride(from: 0, to: tokens.count, by: size) {
                logits += model.append(Array(tokens[start..<min(start + size, tokens.count)]), to: state)
            }
            #expect(logits == expected, "chunks of \(size)")
            #expect(try contents(of: state) == contents(of: whole), "chunks of \(size)")
        }
    }

    @Test("threads change no bit", arguments: references, forms)
    func threads(_ name: String, _ forms: Forms) throws {
        let tokens = tokens(70, 2)
        let one = try ReferenceModel.named(name).load(forms, on: Device(threads: 1))
        let expected = one.append(tokens, to: one.stack.makeState(history: 0))
        for count in [2, 3] {
            let many = try ReferenceModel.named(name).load(forms, on: Device(threads: count))
            #expect(many.append(tokens, to: many.stack.makeState(history: 0)) == expected)
        }
    }

    @Test("other sequences in the batch change no bit", arguments: references, forms)
    func batches(_ name: String, _ forms: Forms) throws {
        let model = try ReferenceModel.named(name).load(forms, on: Device(threads: 2))
        let sequences = [tokens(30, 3), tokens(1, 4), tokens(66, 5), tokens(9, 6)]
        let prefixes = [tokens(3, 7), tokens(80, 8), [], tokens(17, 9)]
        let states = prefixes.map { model.fresh($0, history: 4) }
        let all = model.stack.run(
            0..<model.stack.layerCount, model.stack.embed(sequences.flatMap { $0 }),
            Batch(zip(states, sequences).map { Batch.Part($0, rows: $1.count) }))
        let logits = model.stack.head(all).array
        var start = 0
        for (index, sequence) in sequences.enumerated() {
            let alone = model.fresh(prefixes[index], history: 4)
            let expected = model.append(sequence, to: alone)
            #expect(Array(logits[start..<start + expected.count]) == expected)
            #expect(try contents(of: alone) == contents(of: states[index]))
            start += expected.count
        }
    }

    @Test(
        "append, truncate, fork and restore give the state of a fresh run",
        arguments: references.map { ($0, KVCacheFormat.f32) } + transformers.flatMap { [($0, .bf16), ($0, .int8)] })
    func scripts(_ name: String, _ cache: KVCacheFormat) throws {
        let model = try ReferenceModel.named(name).load(cacheFormat: cache, on: Device(threads: 1))
        for seed in 0..<12 {
            var random = Seeded(UInt64(100 + seed))
            let history = [0, 1, 5, 16][seed % 4]
            var live = [Live(state: model.stack.makeState(history: history))]
            for step in 1...30 {
                let index = Int.random(in: 0..<live.count, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0...2:
                    let new = tokens(Int.random(in: 1...40, using: &random), random.next())
                    model.append(new, to: live[index].state)
                    live[index].tokens += new
                    live[index].longest = max(live[index].longest, live[index].tokens.count)
                case 3:
                    let length = live[index].tokens.count
                    let oldest = min(length, max(0, live[index].longest - history))
                    let position = Int.random(in: oldest...length, using: &random)
                    try live[index].state.truncate(to: position)
                    live[index].tokens.removeLast(length - position)
                case 4 where live.count < 4:
                    live.append(live[index])
                    live[live.count - 1].state = live[index].state.fork()
                default:
                    let moved = model.stack.makeState(history: history)
                    try moved.restore(live[index].state.serialize())
                    live[index].state = moved
                }
                for checked in step % 10 == 0 ? live[...] : live[index...index] {
                    #expect(checked.state.length == checked.tokens.count)
                    #expect(try contents(of: checked.state) == contents(of: model.fresh(checked.tokens)))
                }
            }
        }
    }

    /// A sequence of the script: its state, its tokens, and the length from which it may go back by `history`.
    private struct Live {
        var state: SequenceState
        var tokens: [Token] = []
        var longest = 0
    }

    @Test("a transformer's state can move in parts", arguments: transformers, KVCacheFormat.allCases)
    func parts(_ name: String, _ cache: KVCacheFormat) throws {
        let model = try ReferenceModel.named(name).load(cacheFormat: cache, on: Device(threads: 1))
        let tokens = tokens(90, 10)
        let state = model.fresh(tokens)
        let moved = model.stack.makeState(history: 0)
        for range in [0..<10, 10..<75, 75..<90] { try moved.restore(state.serialize(positions: range)) }
        #expect(try contents(of: moved) == contents(of: state))
    }

    @Test("a state with another cache format is refused", arguments: KVCacheFormat.allCases)
    func otherCacheFormats(_ format: KVCacheFormat) throws {
        let device = try Device(threads: 1)
        let bytes = try ReferenceModel.named("llama-gqa").load(cacheFormat: format, on: device).fresh(tokens(5, 13))
            .serialize()
        for other in KVCacheFormat.allCases where other != format {
            let state = try ReferenceModel.named("llama-gqa").load(cacheFormat: other, on: device).fresh([])
            #expect(
                throws: StateError.malformed(
                    "it has \(format.rawValue) keys and values, the model has \(other.rawValue) ones")
            ) { try state.restore(bytes) }
        }
    }

    @Test("the ledger counts what the cache holds", arguments: KVCacheFormat.allCases)
    func bytes(_ format: KVCacheFormat) throws {
        let model = try ReferenceModel.named("llama-gqa").load(cacheFormat: format, on: Device(threads: 1))
        let (a, b) = (
            model.stack.cost(ofLayer: 0, position: 63).bytes, model.stack.cost(ofLayer: 0, position: 127).bytes
        )
        #expect((b - a) * model.stack.layerCount == model.fresh(tokens(64, 14)).bytes)
    }

    @Test func goingBackTooFarIsRefused() throws {
        let model = try ReferenceModel.named("mamba2").load(on: Device(threads: 1))
        let state = model.fresh(tokens(50, 11), history: 4)
        #expect(throws: StateError.self) { try state.truncate(to: 20) }
        #expect(throws: StateError.beyondEnd(position: 51, end: 50)) { try state.truncate(to: 51) }
        #expect(state.length == 50)
        try state.truncate(to: 0)
        #expect(try contents(of: state) == contents(of: model.fresh([])))
    }

    @Test func statesOfOtherModelsAreRefused() throws {
        let device = try Device(threads: 1)
        let model = try ReferenceModel.named("mamba2").load(on: device)
        let bytes = try model.fresh(tokens(5, 12)).serialize()
        for other in ["mamba", "llama-gqa", "mamba2-groups"] {
            let state = try ReferenceModel.named(other).load(on: device).stack.makeState(history: 0)
            #expect(throws: (any Error).self) { try state.restore(bytes) }
        }
        let state = model.stack.makeState(history: 0)
        for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 50)) {
            #expect(throws: (any Error).self) { try state.restore(Array(bytes[..<length])) }
        }
        try state.restore(bytes)
        #expect(state.length == 5)
    }
}

extension ReferenceModel {
    fileprivate func load(_ forms: Forms, on device: Device) throws -> LanguageModel {
        try load(quantization: forms.weights, cacheFormat: forms.cache, on: device)
    }
}
