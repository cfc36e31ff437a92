import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracles: the vectors published with Philox (Salmon et al. 2011, Random123 kat_vectors), and transformers' logits processors
// (Tests/Fixtures/Scripts/make_sampling_fixture.py).

@Suite struct SamplingTests {
    @Test func philoxGivesThePublishedNumbers() {
        let vectors: [(InlineArray<4, UInt32>, InlineArray<2, UInt32>, [UInt32])] = [
            ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (
                [.max, .max, .max, .max], [.max, .max],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
            ),
        ]
        for (counter, key, expected) in vectors {
            let block = Philox.block(counter: counter, key: key)
            #expect((0..<4).map { block[$0] } == expected)
        }
    }

    @Test func aResumedGeneratorGoesOn() {
        var whole = Philox(seed: 7)
        for _ in 0..<13 { _ = whole.next32() }
        var resumed = Philox(seed: 7, drawn: 13)
        #expect((0..<9).map { _ in whole.next() } == (0..<9).map { _ in resumed.next() })
    }

    @Test func filtersKeepWhatTransformersKeeps() throws {
        let fixture = try JSONNode(contentsOf: Fixtures.url("sampling.json").path)
        let numbers = try fixture.array("logits").map { try Float($0.double()) }
        let logits = Tensor(numbers, [1, numbers.count], on: try Device(threads: 1))
        let past = try fixture.array("past").map { Token(try $0.int()) }
        for item in try fixture.array("cases") {
            let sampling = Sampling(
                temperature: Float(try item.double("temperature")), topK: try item.optionalInt("top_k"),
                topP: Float(try item.optionalDouble("top_p") ?? 1), minP: Float(try item.optionalDouble("min_p") ?? 0),
                repetitionPenalty: Float(try item.optionalDouble("penalty") ?? 1))
            var sampler = Sampler(sampling)
            sampler.accept(past.prefix(4))
            for token in past.dropFirst(4) { sampler.accept(token) }
            let candidates = sampler.distribution(logits).sorted(by: >)
            #expect(candidates.map { Int($0.token) } == (try item.array("tokens").map { try $0.int() }), "\(sampling)")
            let total = candidates.reduce(0) { $0 + $1.probability }
            for (candidate, expected) in zip(candidates, try item.array("probabilities")) {
                #expect(abs(candidate.probability / total - Float(try expected.double())) < 1e-5)
            }
        }
    }

    @Test("greedy texts with a penalty are those that transformers generates")
    func penalizedTexts() throws {
        let fixture = try JSONNode(contentsOf: Fixtures.url("sampling.json").path)
        for text in try fixture.array("texts") {
            let model = try ReferenceModel.named(try text.string("model")).load(on: Device(threads: 1))
            let expected = try text.array("tokens").map { Token(try $0.int()) }
            var generation = try Generation(
                model, FullDepthDecoder(model.stack), prompt: text.array("prompt").map { Token(try $0.int()) },
                sampling: Sampling(repetitionPenalty: Float(text.double("penalty"))),
                limits: .init(tokens: expected.count))
            var tokens: [Token] = []
            while let choice = try generation.next() { tokens.append(choice.token) }
            #expect(tokens == expected)
        }
    }

    @Test("a copy of a sampler looks ahead by itself")
    func copies() throws {
        let logits = Tensor([3, 2.9, -1], [1, 3], on: try Device(threads: 1))
        let sampler = Sampler(Sampling(repetitionPenalty: 2))
        var ahead = sampler
        ahead.accept(0)
        #expect(ahead.token(logits, at: 0) == 1)
        #expect(sampler.token(logits, at: 0) == 0)
        // Tokens beyond the vocabulary, such as those of a longer tokenizer, have no logit.
        ahead.accept([99, -1])
        #expect(ahead.token(logits, at: 0) == 1)
    }

    @Test("tokens are drawn as often as their probability says", arguments: [nil, 6])
    func frequencies(topK: Int?) throws {
        let logits = Tensor([0.5, -1, 2, 0.1, 1.2, -0.3, 1.9, 0.7], [1, 8], on: try Device(threads: 1))
        let sampler = Sampler(Sampling(temperature: 0.9, topK: topK, seed: 11))
        let candidates = sampler.distribution(logits)
        let total = candidates.reduce(0) { $0 + $1.probability }
        let draws = 20_000
        var counts: [Token: Int] = [:]
        for position in 0..<draws {
            let token = sampler.token(logits, at: position)
            counts[try #require(token), default: 0] += 1
        }
        let chiSquare = candidates.reduce(0.0) { sum, candidate in
            let expected = Double(candidate.probability / total) * Double(draws)
            let difference = Double(counts[candidate.token] ?? 0) - expected
            return sum + difference * difference / expected
        }
        #expect(counts.values.reduce(0, +) == draws && Set(counts.keys).isSubset(of: candidates.map(\.token)))
        #expect(chiSquare < 24.3)  // 7 degrees of freedom: exceeded once in a thousand
    }

    @Test func notANumberIsNoToken() throws {
        let device = try Device(threads: 1)
        for sampling in [Sampling.greedy, Sampling(temperature: 1)] {
            let token = Sampler(sampling).token(Tensor([0, .nan, 1], [1, 3], on: device), at: 0)
            #expect(token == nil)
        }
    }

    @Test func wrongSettingsAreNamed() {
        for sampling in [
            Sampling(temperature: -1), Sampling(temperature: .nan), Sampling(temperature: .infinity),
            Sampling(topK: 0), Sampling(topP: 0), Sampling(topP: 1.1), Sampling(minP: -0.1), Sampling(minP: .nan),
            Sampling(repetitionPenalty: 0), Sampling(repetitionPenalty: -1), Sampling(repetitionPenalty: .nan),
            Sampling(repetitionPenalty: .infinity),
        ] {
            #expect(sampling.problem != nil, "\(sampling)")
        }
        #expect(Sampling(temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05).problem == nil)
    }
}
