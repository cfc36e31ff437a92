public import DynamaxModels
public import DynamaxTensor

/// Known tokens that continue a sequence, with questions about those that follow them.
public struct ForcedRows {
    /// The past, which moves on by the tokens.
    public let state: SequenceState
    /// One row each.
    public let tokens: [Token]
    /// For each of the last rows, the tokens after it whose probabilities are asked for, perhaps none; such a row may leave at an
    /// exit, unless all run through.
    public let questions: [[Token]]
    /// Whether all rows run through all layers, as those of a prompt do.
    public let runsThrough: Bool
    /// Tokens of the same text that were decided before: thresholds may fall along a text.
    public let decided: Int

    /// Takes rows, one or more, and at most as many questions.
    public init(
        _ state: SequenceState, _ tokens: [Token], questions: [[Token]], runsThrough: Bool = false, decided: Int = 0
    ) {
        precondition(!tokens.isEmpty && questions.count <= tokens.count && decided >= 0)
        (self.state, self.tokens, self.questions) = (state, tokens, questions)
        (self.runsThrough, self.decided) = (runsThrough, decided)
    }

    /// What was said of the last rows.
    public struct Answers: Sendable {
        public internal(set) var rows: [Answer]
        /// What the rows took, as if they were alone in their batches.
        public internal(set) var ledger: Ledger

        /// Takes what was said.
        public init(rows: [Answer] = [], ledger: Ledger = Ledger()) { (self.rows, self.ledger) = (rows, ledger) }
    }

    /// What was said of one row.
    public struct Answer: Hashable, Sendable {
        /// Layers that the row ran through before it was decided.
        public let layer: Int
        /// How sure the exit was; nil where the row left the last layer.
        public let score: Float?
        /// The most probable token after the row.
        public let likeliest: Token
        /// The natural logarithms of the probabilities of the tokens that were asked for.
        public let logProbabilities: [Double]

        init(
            _ summary: LogitSummary, _ likeliest: Token, logits: (Token) -> Float, of tokens: [Token], layer: Int,
            score: Float?
        ) {
            (self.layer, self.score, self.likeliest) = (layer, score, likeliest)
            logProbabilities = tokens.map { Double(logits($0)) - Double(summary.logSumExp) }
        }
    }
}
