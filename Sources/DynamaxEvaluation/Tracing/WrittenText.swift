public import DynamaxModels
public import DynamaxTensor

/// A text as a decoder wrote it: what decided each token, what each decision cost, and what it took by the clock.
public struct WrittenText: Sendable {
    /// Tokens that were decided together, and what that took.
    public struct Step: Sendable {
        /// Their places in the text; empty for a decision that only ended it.
        public internal(set) var tokens: Range<Int>
        public let ledger: Ledger
        public let seconds: Double
    }

    /// The tokens, in their order. The prompt's pass has decided the first.
    public private(set) var choices: [Choice] = []
    /// The decisions since the prompt, in their order.
    public private(set) var steps: [Step] = []

    /// An empty text.
    public init() {}

    /// Writes a text from its prompt to its end.
    ///
    /// - Throws: `GenerationError` as `Generation` does.
    public init(
        _ model: LanguageModel, _ decoder: any Decoder, prompt: [Token], sampling: Sampling = .greedy,
        limits: Generation.Limits
    ) throws(GenerationError) {
        var generation = try Generation(model, decoder, prompt: prompt, sampling: sampling, limits: limits)
        while try next(from: &generation) != nil {}
    }

    /// Takes the next token from a generation that writes this text, with the clock running.
    public mutating func next(from generation: inout Generation) throws(GenerationError) -> Choice? {
        let before = generation.ledger
        let start = ContinuousClock.now
        let choice = try generation.next()
        let seconds = start.duration(to: .now) / .seconds(1)
        if let choice { choices.append(choice) }
        // A token is handed out, and then the next ones are decided.
        let count = choices.count
        if let last = steps.indices.last, choice != nil {
            steps[last].tokens = steps[last].tokens.lowerBound..<max(steps[last].tokens.lowerBound, count)
        }
        if generation.ledger != before {
            steps.append(Step(tokens: count..<count, ledger: generation.ledger - before, seconds: seconds))
        }
        return choice
    }

    public var tokens: [Token] { choices.map(\.token) }

    /// What all decisions since the prompt have cost.
    public var ledger: Ledger { steps.reduce(Ledger()) { $0 + $1.ledger } }

    /// What they took by the clock.
    public var seconds: Double { steps.reduce(0) { $0 + $1.seconds } }

    /// Tokens that they decided: all but the first, and the one that ended the text where it was more than its last.
    public var decoded: Int { max(choices.count - 1, 0) }

    /// Layers that these tokens ran through, added up.
    public var layers: Int { choices.dropFirst().reduce(0) { $0 + $1.layer } }

    /// The place of the first token that differs from another text's, or where the shorter one ends; nil where they are equal.
    public func divergence(from other: WrittenText) -> Int? {
        let common = zip(tokens, other.tokens).prefix { $0 == $1 }.count
        return common == tokens.count && common == other.tokens.count ? nil : common
    }
}
