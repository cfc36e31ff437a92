import DynamaxFormats
public import DynamaxModels
public import DynamaxTensor

/// Finds the threshold that saves most among those whose divergence from the full model is certified to be small.
public struct Calibration {
    public let model: LanguageModel
    /// From the source of those that the certificate is for; independent of each other.
    public let prompts: [[Token]]
    /// Texts that would be right, one for each prompt, where it is the risk that is bounded.
    public let references: [[Token]]?
    /// How exits judge.
    public let kind: ExitScore.Kind
    /// Heads that judge, where the score is theirs, and their file.
    public let heads: (heads: ExitHeads, path: String)?
    /// Layers that exits lie after; nil for each of the latter half.
    public let layers: [Int]?
    /// How the threshold falls along a text; nil where it stays.
    public let decay: ThresholdDecay?
    /// Thresholds from the safest on.
    public let thresholds: [Float]
    public let limits: Generation.Limits
    public let divergence: Divergence
    public let test: LearnThenTest

    /// Takes all that a calibration needs.
    ///
    /// - Throws: `CertificateError` where no threshold could pass with so few prompts.
    public init(
        _ model: LanguageModel, prompts: [[Token]], references: [[Token]]? = nil, kind: ExitScore.Kind,
        heads: (heads: ExitHeads, path: String)? = nil, layers: [Int]? = nil, decay: ThresholdDecay? = nil,
        thresholds: [Float]? = nil, limits: Generation.Limits, divergence: Divergence = .tokenF1, test: LearnThenTest
    ) throws(CertificateError) {
        guard prompts.count >= test.fewestPrompts else {
            throw .tooFewPrompts(
                prompts.count, needed: test.fewestPrompts, delta: test.delta, epsilon: test.epsilon)
        }
        precondition(references.map { $0.count == prompts.count } ?? true)
        self.model = model
        self.references = references
        self.decay = decay
        self.prompts = prompts
        self.kind = kind
        self.heads = heads
        self.layers = layers
        self.thresholds = thresholds ?? kind.thresholds
        self.limits = limits
        self.divergence = divergence
        self.test = test
    }

    /// What was found out about one threshold.
    public struct Finding: Sendable {
        public let exit: ExitScore
        public let meanDivergence: Double
        public let probability: Double
        /// Mean layers of a token, the first of each text left out, which the prompt has paid for.
        public let meanLayers: Double
    }

    /// Writes all texts by the full model, then with one threshold after the other, until one does not pass.
    ///
    /// - Parameters:
    ///   - fingerprint: of the model.
    ///   - report: told of each threshold.
    /// - Throws: `CertificateError.nothingPasses`, or `GenerationError` where a prompt does not fit the model.
    public func run(fingerprint: String, report: (Finding) -> Void = { _ in }) throws -> Certificate {
        let full = try prompts.map { try write($0, FullDepthDecoder(model.stack)).tokens }
        var findings: [Finding] = []
        _ = try test.lastPassing(of: thresholds.count) { index in
            let exit = kind.score(thresholds[index])
            let policy = try policy(exit)
            let texts = try prompts.map { try write($0, EarlyExitDecoder(model.stack, policy)) }
            let losses = prompts.indices.map { loss(texts[$0].tokens, full: full[$0], references?[$0]) }
            let mean = losses.reduce(0, +) / Double(losses.count)
            let depths = texts.flatMap(\.layers)
            findings.append(
                Finding(
                    exit: exit, meanDivergence: mean,
                    probability: test.probability(ofMeanLoss: mean, prompts: losses.count),
                    meanLayers: Double(depths.reduce(0, +)) / Double(max(depths.count, 1))))
            report(findings[index])
            return losses
        }
        guard let best = findings.last(where: { $0.probability <= test.epsilon }) else {
            let first = findings[0]
            throw CertificateError.nothingPasses(
                exit: first.exit.description, meanDivergence: first.meanDivergence, probability: first.probability,
                epsilon: test.epsilon)
        }
        return Certificate(
            model: fingerprint, weights: model.formats, exit: specification(best.exit),
            layers: try policy(best.exit).layers, decay: decay, tokens: limits.tokens,
            divergence: divergence, consistency: references == nil ? .textual : .risk, pValue: test.pValue,
            delta: test.delta, epsilon: test.epsilon,
            prompts: prompts.count, promptsDigest: SHA256.digest("\(prompts)"), meanDivergence: best.meanDivergence,
            probability: best.probability, meanLayers: best.meanLayers)
    }

    private func loss(_ text: [Token], full: [Token], _ reference: [Token]?) -> Double {
        guard let reference else { return divergence.value(text, from: full) }
        return max(0, divergence.value(text, from: reference) - divergence.value(full, from: reference))
    }

    private func policy(_ exit: ExitScore) throws -> ExitPolicy {
        try ExitPolicy(
            exit, heads: heads?.heads, after: layers, pacing: Pacing(decay: decay), of: model.stack.layerCount)
    }

    /// The exits as `--exit` takes them.
    private func specification(_ exit: ExitScore) -> String {
        guard case .heads(let threshold) = exit, let heads else { return exit.description }
        return "heads:\(heads.path)@\(threshold)"
    }

    private func write(_ prompt: [Token], _ decoder: any Decoder) throws -> (tokens: [Token], layers: [Int]) {
        var generation = try Generation(model, decoder, prompt: prompt, limits: limits)
        var (tokens, layers): ([Token], [Int]) = ([], [])
        while let choice = try generation.next() {
            if !tokens.isEmpty { layers.append(choice.layer) }
            tokens.append(choice.token)
        }
        return (tokens, layers)
    }
}
