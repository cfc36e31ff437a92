public import DynamaxDepth
import DynamaxLayers
public import DynamaxModels
public import DynamaxTensor

/// Tries exits with many thresholds on prompts, under several guarantees and rules, each beside the full model.
public struct Sweep {
    /// Exits of one kind.
    public struct Exits: Sendable {
        public let kind: ExitScore.Kind
        /// Heads that judge, where the score is theirs, and their file.
        public let heads: (heads: ExitHeads, path: String)?

        /// Takes a kind, with heads where it needs them.
        public init(_ kind: ExitScore.Kind, heads: (heads: ExitHeads, path: String)? = nil) {
            (self.kind, self.heads) = (kind, heads)
        }

        /// What tells them from others.
        public var name: String { heads.map { "heads:\($0.path)" } ?? kind.rawValue }

        func specification(_ threshold: Float) -> String {
            heads.map { "heads:\($0.path)@\(threshold)" } ?? "\(kind.score(threshold))"
        }
    }

    public let model: LanguageModel
    public let prompts: [[Token]]
    public let limits: Generation.Limits
    public let exits: [Exits]
    public let guarantees: [SweepGuarantee]
    public let rules: [StateRule]
    /// Thresholds of each kind.
    public let points: Int
    /// Times that each text is written for the clock.
    public let repetitions: Int
    /// Where exits lie, kind by kind.
    private let layers: [[Int]]

    /// Takes all that a sweep needs.
    ///
    /// - Parameter layers: that exits lie after; nil for those that have heads, or each of the latter half.
    /// - Throws: `ExitError` where exits or rules do not fit the model.
    public init(
        _ model: LanguageModel, prompts: [[Token]], limits: Generation.Limits, exits: [Exits], layers: [Int]? = nil,
        guarantees: [SweepGuarantee] = [.none, .exact], rules: [StateRule] = [.deferred], points: Int = 6,
        repetitions: Int = 3
    ) throws(ExitError) {
        precondition(!prompts.isEmpty && !exits.isEmpty && points > 0 && repetitions > 0 && limits.tokens >= 2)
        (self.model, self.prompts, self.limits, self.exits) = (model, prompts, limits, exits)
        (self.guarantees, self.rules, self.points, self.repetitions) = (guarantees, rules, points, repetitions)
        var found: [[Int]] = []
        for kind in exits {
            let policy = try ExitPolicy(
                kind.kind.score(0.5), heads: kind.heads?.heads, after: layers, of: model.stack.layerCount)
            guard !policy.layers.isEmpty else {
                throw .layer(model.stack.layerCount, layers: model.stack.layerCount - 1)
            }
            for rule in rules { _ = try EarlyExitDecoder(model.stack, policy, state: rule) }
            found.append(policy.layers)
        }
        self.layers = found
    }

    /// What happens on the way.
    public enum Event: Sendable {
        /// The full model has written its texts, and so many points follow.
        case begun(points: Int)
        case point(SweepPoint)
    }

    /// Writes all texts.
    ///
    /// - Parameter report: told of each point as it is found.
    public func run(report: (Event) throws -> Void = { _ in }) throws -> SweepResult {
        let full = try prompts.map { try write($0, FullDepthDecoder(model.stack)) }
        func trace(_ heads: ExitHeads?) -> [DepthTrace] {
            zip(prompts, full).map { DepthTrace(model, prompt: $0, written: $1.tokens, heads: heads) }
        }
        let plain = trace(nil)
        let all = ExitStudy(plain, layers: Set(layers.joined()).sorted(), layerCount: model.stack.layerCount)
        var result = SweepResult(model: model, baseline: all)
        var plans: [Plan] = []
        for layer in all.layers { plans += plan("depth", .depth(layer), "depth:\(layer)", nil, [layer], all) }
        for (kind, layers) in zip(exits, layers) {
            let study = ExitStudy(
                kind.heads.map { trace($0.heads) } ?? plain, layers: layers, layerCount: model.stack.layerCount)
            result.curves.append(.init(kind: kind.name, study: study, reliability: study.reliability(kind.kind)))
            for threshold in study.thresholds(kind.kind, count: points) {
                let exit = kind.specification(threshold)
                plans += plan(kind.name, kind.kind.score(threshold), exit, kind.heads?.heads, layers, study)
            }
        }
        try report(.begun(points: plans.count))
        let bootstrap = Bootstrap(count: prompts.count)
        for plan in plans {
            let point = try measure(plan, full, bootstrap)
            result.points.append(point)
            try report(.point(point))
        }
        return result
    }

    // MARK: One point

    private struct Plan {
        let kind: String
        let score: ExitScore
        let exit: String
        let heads: ExitHeads?
        let layers: [Int]
        let study: ExitStudy
        let guarantee: SweepGuarantee
        let rule: StateRule
    }

    /// An exit under each guarantee; rules for states differ only where nothing is verified.
    private func plan(
        _ kind: String, _ score: ExitScore, _ exit: String, _ heads: ExitHeads?, _ layers: [Int], _ study: ExitStudy
    ) -> [Plan] {
        guarantees.flatMap { guarantee in
            (guarantee == .none ? rules : [.deferred]).map { rule in
                Plan(
                    kind: kind, score: score, exit: exit, heads: heads, layers: layers, study: study,
                    guarantee: guarantee, rule: rule)
            }
        }
    }

    private func write(_ prompt: [Token], _ decoder: any Decoder) throws(GenerationError) -> WrittenText {
        try WrittenText(model, decoder, prompt: prompt, limits: limits)
    }

    private func measure(_ plan: Plan, _ full: [WrittenText], _ bootstrap: Bootstrap) throws -> SweepPoint {
        let policy = try ExitPolicy(plan.score, heads: plan.heads, after: plan.layers, of: model.stack.layerCount)
        let decoder: any Decoder =
            plan.guarantee == .exact
            ? SelfSpeculativeDecoder(model.stack, policy)
            : try EarlyExitDecoder(model.stack, policy, state: plan.rule)
        var texts: [WrittenText] = []
        var (seconds, fullSeconds) = ([Double](), [Double]())
        for (index, prompt) in prompts.enumerated() {
            var (own, other) = ([Double](), [Double]())
            var text = WrittenText()
            // Turns alternate, so that neither meets a quieter machine.
            for turn in 0..<2 * repetitions {
                if (turn + turn / 2 + index) % 2 == 0 {
                    other.append(try write(prompt, FullDepthDecoder(model.stack)).seconds)
                } else {
                    text = try write(prompt, decoder)
                    own.append(text.seconds)
                }
            }
            texts.append(text)
            // The middle one: a moment in which the machine was busy elsewhere says nothing of either.
            seconds.append(Bootstrap.quantile(0.5, of: own.sorted()))
            fullSeconds.append(Bootstrap.quantile(0.5, of: other.sorted()))
        }
        let timed = Timed(texts: texts, full: full, seconds: seconds, fullSeconds: fullSeconds)
        return SweepPoint(
            exit: plan.exit, kind: plan.kind, threshold: plan.score.threshold.map { Double("\($0)") ?? Double($0) },
            guarantee: plan.guarantee, state: plan.rule,
            figures: timed.figures(plan.study, plan.study.outcomes(plan.score), bootstrap))
    }
}

/// Texts of one policy beside the full model's, with what the clock said.
private struct Timed {
    let texts: [WrittenText]
    let full: [WrittenText]
    let seconds: [Double]
    let fullSeconds: [Double]

    func figures(_ study: ExitStudy, _ outcomes: [ExitStudy.Outcome], _ bootstrap: Bootstrap) -> SweepPoint.Figures {
        let tokens = texts.map { Double($0.decoded) }
        let fullTokens = full.map { Double($0.decoded) }
        let bytes = texts.map { Double($0.ledger.cost.bytes) }
        let fullBytes = full.reduce(0) { $0 + Double($1.ledger.cost.bytes) }
        func sum(_ values: [Double], _ items: [Int]) -> Double { items.reduce(0) { $0 + values[$1] } }
        func quality(_ measure: Divergence) -> Estimate {
            bootstrap.mean(zip(texts, full).map { 1 - measure.value($0.tokens, from: $1.tokens) })
        }
        let positions = outcomes.map { Double($0.positions) }
        let forced = bootstrap.ratio(outcomes.map { Double($0.layers) }, positions)
        let all = Array(texts.indices)
        return SweepPoint.Figures(
            prompts: texts.count, tokens: texts.reduce(0) { $0 + $1.decoded },
            depth: bootstrap.ratio(texts.map { Double($0.layers) }, tokens), bytes: bootstrap.ratio(bytes, tokens),
            fullBytes: fullBytes / sum(fullTokens, all), tokensPerSecond: sum(tokens, all) / sum(seconds, all),
            fullTokensPerSecond: sum(fullTokens, all) / sum(fullSeconds, all),
            speed: bootstrap.estimate { items in
                sum(tokens, items) / sum(seconds, items) * sum(fullSeconds, items) / sum(fullTokens, items)
            },
            forcedDepth: forced, consistency: bootstrap.ratio(outcomes.map { Double($0.agreeing) }, positions),
            fixedConsistency: study.fixed(at: forced.value), randomConsistency: study.random(at: forced.value),
            oracleConsistency: study.oracle(at: forced.value), tokenF1: quality(.tokenF1), rougeL: quality(.rougeL),
            exactMatch: quality(.exactMatch),
            firstDivergence: bootstrap.mean(
                zip(texts, full).map { Double($0.divergence(from: $1) ?? $0.choices.count) }))
    }
}
