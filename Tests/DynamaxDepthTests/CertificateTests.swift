import DynamaxDepth
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracles: figures from the definitions (Angelopoulos et al. 2021; Bates et al. 2021), and simulation of the promise itself.

@Suite struct CertificateTests {
    @Test(
        "so many prompts it takes to certify a threshold that never errs",
        arguments: [
            (LearnThenTest.PValue.hoeffding, 0.05, 0.05, 600), (.hoeffding, 0.02, 0.05, 3745),
            (.hoeffding, 0.1, 0.05, 150), (.hoeffdingBentkus, 0.05, 0.05, 59), (.hoeffdingBentkus, 0.1, 0.05, 29),
        ])
    func feasibility(_ kind: LearnThenTest.PValue, _ delta: Double, _ epsilon: Double, _ prompts: Int) throws {
        let test = try LearnThenTest(delta: delta, epsilon: epsilon, pValue: kind)
        #expect(test.fewestPrompts == prompts)
        #expect(test.probability(ofMeanLoss: 0, prompts: prompts) <= epsilon)
        #expect(test.probability(ofMeanLoss: 0, prompts: prompts - 1) > epsilon)
    }

    @Test(
        "Hoeffding's chances are those of the definition",
        arguments: [(0.05, 400, 0.1353352832366127), (0.09, 100, 0.9801986733067553), (0.2, 50, 1)])
    func hoeffding(_ loss: Double, _ prompts: Int, _ expected: Double) throws {
        let test = try LearnThenTest(delta: 0.1, epsilon: 0.05, pValue: .hoeffding)
        #expect(abs(test.probability(ofMeanLoss: loss, prompts: prompts) - expected) < 1e-12)
        let tighter = try LearnThenTest(delta: 0.1, epsilon: 0.05)
        #expect(tighter.probability(ofMeanLoss: loss, prompts: prompts) <= expected)
    }

    /// e P(Binomial(n, delta) <= n loss), added up by another way: term by term from the one before.
    @Test func bentkusIsTheBinomial() throws {
        for (n, delta, hits) in [(100, 0.1, 2), (300, 0.05, 6), (50, 0.3, 5)] {
            var term = pow(1 - delta, Double(n))
            var sum = term
            for i in 1...hits {
                term *= Double(n - i + 1) / Double(i) * delta / (1 - delta)
                sum += term
            }
            let loss = Double(hits) / Double(n)
            let entropy = loss * log(loss / delta) + (1 - loss) * log((1 - loss) / (1 - delta))
            let expected = min(1, exp(1) * sum, exp(-Double(n) * entropy))
            let test = try LearnThenTest(delta: delta, epsilon: 0.05)
            #expect(abs(test.probability(ofMeanLoss: loss - 1e-12, prompts: n) - expected) < 1e-9)
        }
    }

    /// Losses of 0 or 1 whose expectation grows with the threshold's place: the bound may be broken in a share of epsilon.
    @Test("the bound holds as often as promised", arguments: LearnThenTest.PValue.allCases)
    func coverage(_ kind: LearnThenTest.PValue) throws {
        let test = try LearnThenTest(delta: 0.1, epsilon: 0.1, pValue: kind)
        let expected = (0..<30).map { 0.01 * Double($0) }
        var random = Seeded(5)
        var (broken, found) = (0, 0)
        for _ in 0..<400 {
            // One draw for all thresholds, as the same prompts serve all of them.
            let prompts = (0..<200).map { _ in Double.random(in: 0..<1, using: &random) }
            let passed = test.lastPassing(of: expected.count) { index in
                prompts.map { $0 < expected[index] ? 1 : 0 }
            }
            guard let passed else { continue }
            found += 1
            if expected[passed.threshold] > test.delta { broken += 1 }
        }
        #expect(found > 300)
        #expect(Double(broken) / 400 < 0.1 + 3 * (0.1 * 0.9 / 400).squareRoot(), "\(broken) of 400")
    }

    @Test func divergences() {
        let full: [Token] = [1, 2, 3, 4]
        for divergence in Divergence.allCases {
            #expect(divergence.value(full, from: full) == 0)
            #expect(divergence.value([9], from: full) == 1)
        }
        #expect(Divergence.tokenF1.value([4, 3, 2, 1], from: full) == 0)
        #expect(Divergence.rougeL.value([4, 3, 2, 1], from: full) == 0.75)
        #expect(Divergence.tokenF1.value([1, 1, 1, 2], from: full) == 0.5)
        #expect(Divergence.rougeL.value([1, 3, 4], from: full) == 1 - 6.0 / 7)
        #expect(Divergence.tokenF1.value([], from: full) == 1)
    }

    @Test("a certificate is for the model that it was made with")
    func certificates() throws {
        let folder = try TemporaryFolder()
        let reference = ReferenceModel.named("llama-gqa")
        let files = try CheckpointFiles(reference.folder.path)
        let model = try reference.load(on: Device(threads: 2))
        var random = Seeded(1)
        let prompts = (0..<60).map { _ in (0..<4).map { _ in Token.random(in: 3..<96, using: &random) } }
        let test = try LearnThenTest(delta: 0.9, epsilon: 0.05)
        let calibration = try Calibration(
            model, prompts: prompts, kind: .softmax, layers: [2], thresholds: [2, 0.9, 0], limits: .init(tokens: 6),
            test: test)
        let certificate = try calibration.run(fingerprint: files.fingerprint())
        #expect(certificate.layers == [2] && certificate.prompts == 60 && certificate.tokens == 6)
        #expect(certificate.meanDivergence <= 0.9 && certificate.probability <= 0.05)
        let path = "\(folder.path)/certificate.json"
        try certificate.write(to: path)
        #expect(try Certificate(contentsOf: path) == certificate)
        let digest = try files.fingerprint()
        try certificate.check(fingerprint: digest, weights: model.format.description, path: path)
        #expect(throws: FormatError.self) {
            try certificate.check(fingerprint: digest, weights: "int8/32", path: path)
        }
        let other = try CheckpointFiles(ReferenceModel.named("llama-tied").folder.path).fingerprint()
        #expect(other != digest)
        #expect(throws: FormatError.self) { try certificate.check(fingerprint: other, weights: "f32", path: path) }
    }

    /// Certificates from many draws of calibration prompts, each held against all other prompts of the same source.
    @Test("on fresh prompts the bound holds as often as promised", arguments: LearnThenTest.PValue.allCases)
    func freshPrompts(_ pValue: LearnThenTest.PValue) throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 2))
        var random = Seeded(11)
        let prompts = (0..<1200).map { _ in (0..<5).map { _ in Token.random(in: 3..<96, using: &random) } }
        let thresholds: [Float] = [0.9, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.03, 0]
        func text(_ prompt: [Token], _ decoder: any Decoder) throws -> [Token] {
            var generation = try Generation(model, decoder, prompt: prompt, limits: .init(tokens: 6))
            var tokens: [Token] = []
            while let choice = try generation.next() { tokens.append(choice.token) }
            return tokens
        }
        let full = try prompts.map { try text($0, FullDepthDecoder(model.stack)) }
        let losses = try thresholds.map { threshold in
            let policy = try ExitPolicy(.softmax(threshold), after: [2], of: 3)
            return try prompts.indices.map { index in
                Divergence.tokenF1.value(
                    try text(prompts[index], EarlyExitDecoder(model.stack, policy)), from: full[index])
            }
        }
        let test = try LearnThenTest(delta: 0.15, epsilon: 0.1, pValue: pValue)
        var (broken, saved) = (0, 0)
        for _ in 0..<200 {
            let order = Array(prompts.indices).shuffled(using: &random)
            let (used, fresh) = (order[..<250], order[250...])
            let passed = test.lastPassing(of: thresholds.count) { index in used.map { losses[index][$0] } }
            guard let passed else { continue }
            saved += 1
            let mean = fresh.reduce(0) { $0 + losses[passed.threshold][$1] } / Double(fresh.count)
            if mean > test.delta { broken += 1 }
        }
        #expect(saved > 150, "\(saved) of 200 certified \(losses.map { $0.reduce(0, +) / 1200 })")
        // Beyond the promise by no more than three standard deviations of so many draws.
        #expect(broken <= 20 + 12, "\(broken) of 200 broken")
        #expect(losses[thresholds.count - 1].reduce(0, +) / 1200 > test.delta, "some thresholds must be too low")
    }

    @Test("the risk is what a text loses against the full model's, beside a reference")
    func risk() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        var random = Seeded(2)
        let prompts = (0..<60).map { _ in (0..<4).map { _ in Token.random(in: 3..<96, using: &random) } }
        let test = try LearnThenTest(delta: 0.5, epsilon: 0.05)
        func certificate(_ references: [[Token]]) throws -> Certificate {
            try Calibration(
                model, prompts: prompts, references: references, kind: .softmax, layers: [1],
                decay: ThresholdDecay(length: 6), thresholds: [0], limits: .init(tokens: 6), test: test
            ).run(fingerprint: "")
        }
        // Against references that nothing is near to, nothing can be lost.
        let far = try certificate(prompts.map { _ in [9999] })
        #expect(far.meanDivergence == 0 && far.consistency == .risk)
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/certificate.json"
        try far.write(to: path)
        #expect(try Certificate(contentsOf: path) == far)
        #expect(far.decay == ThresholdDecay(length: 6))
    }

    @Test func tooFewPromptsAreSaidSo() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        let test = try LearnThenTest(delta: 0.05, epsilon: 0.05, pValue: .hoeffding)
        #expect(throws: CertificateError.tooFewPrompts(3, needed: 600, delta: 0.05, epsilon: 0.05)) {
            try Calibration(
                model, prompts: [[1], [2], [3]], kind: .softmax, limits: .init(tokens: 4), test: test)
        }
    }
}
