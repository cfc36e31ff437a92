public import DynamaxModels

/// What came of one item of a task under one policy.
public struct RunRow: Hashable, Sendable {
    public let key: Key
    public let answer: Answer
    /// What each token took, in the order in which tokens were written or their likelihoods asked for. Written ones include
    /// those of the stop that the answer ends before.
    public let tokens: [TokenRecord]
    /// The scores of the answer, by the keys of the task's metrics.
    public let scores: [Score]
    /// What the tokens took, each choice as if it were alone; prompts, which run before them, are left out.
    ///
    /// The prompt decides the first token of a written text, so that this is about the tokens after it.
    public let ledger: Ledger
    /// Seconds that the same took, the item's share of a batch.
    public let seconds: Double
    /// Whether tokens ran with others, of the same text or of more, rather than one after another: seconds of the two kinds do not
    /// compare.
    public let isBatched: Bool

    /// Which row of a run it is.
    public struct Key: Hashable, Sendable {
        public let task: String
        /// The name of the policy in the run's manifest.
        public let policy: String
        /// The item's `id`.
        public let item: String

        /// Takes names.
        public init(task: String, policy: String, item: String) {
            (self.task, self.policy, self.item) = (task, policy, item)
        }
    }

    /// What the model said.
    public enum Answer: Hashable, Sendable {
        /// Written text, before the first stop.
        case text(String)
        /// One likelihood for each choice, or one for a whole text.
        case logLikelihoods([LogLikelihood])
    }

    /// One token of an answer.
    public struct TokenRecord: Hashable, Sendable {
        /// What it stands for.
        public let text: String
        /// The choice that it belongs to, from 0; 0 in written text.
        public let choice: Int
        /// Layers after which it was decided.
        public let layer: Int
        /// What the exit thought of it; nil where none looked.
        public let exitScore: Float?
        /// Whether the full model, told the same text before it, would have named the same likeliest token; nil where it was not asked.
        public let agrees: Bool?
        /// Natural logarithm of the token's probability where its likelihood was asked for.
        public let logProbability: Double?

        /// Takes what is known of a token.
        public init(
            text: String, choice: Int = 0, layer: Int, exitScore: Float? = nil, agrees: Bool? = nil,
            logProbability: Double? = nil
        ) {
            (self.text, self.choice, self.layer) = (text, choice, layer)
            (self.exitScore, self.agrees, self.logProbability) = (exitScore, agrees, logProbability)
        }
    }

    /// The tokens that `ledger` and `seconds` are about: the first of a written text is the prompt's doing.
    public var decidedTokens: ArraySlice<TokenRecord> {
        if case .text = answer { tokens.dropFirst() } else { tokens[...] }
    }

    /// Takes what came of an item.
    public init(
        _ key: Key, answer: Answer, tokens: [TokenRecord], scores: [Score], ledger: Ledger, seconds: Double,
        isBatched: Bool = true
    ) {
        (self.key, self.answer, self.tokens) = (key, answer, tokens)
        (self.scores, self.ledger, self.seconds, self.isBatched) = (scores, ledger, seconds, isBatched)
    }
}
