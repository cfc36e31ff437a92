import DynamaxDepth
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracles: the formulas of CALM's paper and code, worked out by hand; the mean that was asked for.

@Suite struct PacingTests {
    @Test(
        "CALM's threshold falls as in the paper and as in the code",
        arguments: [
            (ThresholdDecay.Form.paper, Float(0.9), 0, 0.91), (.paper, 0.9, 50, 0.8235335283), (.paper, 1, 0, 1),
            (.paper, 0.9, 1_000_000, 0.81), (.released, 0.9, 0, 0.9), (.released, 0.9, 50, 0.8221801754),
            (.released, 0.5, 25, 0.4683939721), (.paper, 0.5, 25, 0.4867879441),
        ])
    func decay(_ form: ThresholdDecay.Form, _ base: Float, _ t: Int, _ expected: Double) {
        let decay = ThresholdDecay(form, rate: 4, length: 100)
        #expect(abs(Double(decay.threshold(base, at: t)) - expected) < 1e-6)
    }

    @Test("SkipDecode's ceiling falls linearly and never rises")
    func ceiling() {
        let ceiling = DepthCeiling(from: 8, to: 4, over: 9)
        #expect((0..<12).map { ceiling.depth(at: $0) } == [8, 8, 7, 7, 6, 6, 5, 5, 4, 4, 4, 4])
        #expect(DepthCeiling(from: 3, to: 2, over: 1).depth(at: 0) == 2)
    }

    private func layers(_ model: LanguageModel, _ policy: ExitPolicy, count: Int) throws -> [Int] {
        let decoder = EarlyExitDecoder(model.stack, policy)
        let sampling = Sampling(temperature: 1, seed: 4)
        var generation = try Generation(
            model, decoder, prompt: [5, 9, 40], sampling: sampling, limits: .init(tokens: count))
        var layers: [Int] = []
        while let choice = try generation.next() { layers.append(choice.layer) }
        return Array(layers.dropFirst())
    }

    @Test(
        "no token goes beyond the ceiling, and no later one deeper than those before",
        arguments: ["llama-gqa", "mamba"])
    func ceilings(_ name: String) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 1))
        let pacing = Pacing(ceiling: DepthCeiling(from: 3, to: 1, over: 40))
        let policy = try ExitPolicy(.softmax(2), pacing: pacing, of: 3)
        let layers = try layers(model, policy, count: 41)
        #expect(layers.first == 3 && layers.last == 1)
        #expect(zip(layers, layers.dropFirst()).allSatisfy { $0 >= $1 })
    }

    @Test(
        "the mean depth is the one asked for", arguments: ["softmax:0.5", "margin:0.9", "entropy:0", "saturation:0.1"])
    func meanDepth(_ spec: String) throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        for target in [1.6, 2.0, 2.5] {
            let policy = try ExitPolicy(ExitScore(spec), after: [1, 2], pacing: Pacing(meanDepth: target), of: 3)
            let layers = try layers(model, policy, count: 400)
            let mean = Double(layers.reduce(0, +)) / Double(layers.count)
            #expect(abs(mean - target) < 0.12, "\(spec), \(target): \(mean)")
        }
    }

    @Test("what cannot go together is refused with a sentence")
    func refusals() {
        func problem(_ score: ExitScore, _ pacing: Pacing) -> String? { pacing.problem(with: score, layers: 8) }
        let decay = ThresholdDecay(length: 10)
        #expect(problem(.softmax(0.5), Pacing(decay: decay)) == nil)
        #expect(problem(.entropy(0.5), Pacing(decay: decay)) != nil)
        #expect(problem(.depth(3), Pacing(meanDepth: 3)) != nil)
        #expect(problem(.margin(0.1), Pacing(meanDepth: 9)) != nil)
        #expect(problem(.margin(0.1), Pacing(decay: decay, meanDepth: 5)) != nil)
        #expect(problem(.margin(0.1), Pacing(ceiling: DepthCeiling(from: 9, to: 1, over: 5))) != nil)
    }
}
