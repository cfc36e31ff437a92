public import DynamaxDepth
import DynamaxLayers
public import DynamaxModels
public import DynamaxTensor

/// A text seen through: which layer decided each token, what the other layers would have said, what became of the states, what it
/// cost, and what the full model would have written.
public struct TextXRay: Sendable {
    /// One token of the text.
    public struct Entry: Sendable {
        public let token: Token
        public let layer: Int
        public let score: Float?
        /// A draft that stood here and was not kept.
        public let rejected: Token?
        /// What the full model would have written here, given the text before; nil where its logits are not numbers.
        public let full: Token?
        /// What became of the token's own position.
        public let state: StateFate

        /// Whether the full model would have written it.
        public var agrees: Bool { token == full }
    }

    /// What is known about a layer.
    public struct Layer: Sendable {
        public let number: Int
        /// Tokens that it decided.
        public let decided: Int
        /// How many of these are the full model's.
        public let decidedAgreeing: Int
        /// The share of all tokens for which its head would have said what the full model says.
        public let agreement: Double
        /// The mean probability that its head gives to the full model's token.
        public let probability: Double
    }

    /// What a text took, or would have taken.
    public struct Account: Sendable {
        /// Tokens after the first, which the prompt has paid for.
        public let tokens: Int
        public let ledger: Ledger
        /// By the clock; nil where it was not run.
        public let seconds: Double?

        /// Bytes of weights and states for each token, as the ledger has them.
        public var bytesPerToken: Double { Double(ledger.cost.bytes) / Double(max(tokens, 1)) }
        public var secondsPerToken: Double? { seconds.map { $0 / Double(max(tokens, 1)) } }
    }

    /// One decision beside what the full model would have taken for the same tokens.
    public struct Step: Sendable {
        public let tokens: Range<Int>
        public let ledger: Ledger
        public let seconds: Double
        public let full: Ledger
    }

    public let entries: [Entry]
    public let trace: DepthTrace
    public let layers: [Layer]
    public let steps: [Step]
    /// The text as it was written.
    public let account: Account
    /// The full model for as many tokens: the cost of each at the same position, and the time of its own text.
    public let fullAccount: Account
    /// The full model's own text; nil where the text is its.
    public let full: [Token]?
    /// The place where the text leaves the full model's; nil where it does not.
    public let divergence: Int?

    /// Looks through a text.
    ///
    /// - Parameters:
    ///   - model: that has written it.
    ///   - prompt: that it continues.
    ///   - text: as it was written.
    ///   - way: how it was written.
    ///   - heads: of its exits, whose words and scores are then those of the trace.
    ///   - sampling: how its tokens were drawn.
    ///   - limits: that it was written under; the full model's own text gets the same ones.
    /// - Throws: `GenerationError` where the full model cannot write its text.
    public init(
        _ model: LanguageModel, prompt: [Token], text: WrittenText, way: DecodingWay, heads: ExitHeads? = nil,
        sampling: Sampling = .greedy, limits: Generation.Limits
    ) throws(GenerationError) {
        let count = model.stack.layerCount
        let trace = DepthTrace(model, prompt: prompt, written: text.tokens, sampling: sampling, heads: heads)
        let fates = StateFate.all(text.choices.map(\.layer), of: count, way)
        self.trace = trace
        let entries = text.choices.indices.map { index in
            let choice = text.choices[index]
            return Entry(
                token: choice.token, layer: choice.layer, score: choice.score, rejected: choice.rejected,
                full: trace.full(index), state: fates[index])
        }
        self.entries = entries
        layers = (1...count).map { number in
            let decided = entries.filter { $0.layer == number }
            let probabilities = trace.positions.map { Double($0[number - 1].probability) }
            return Layer(
                number: number, decided: decided.count, decidedAgreeing: decided.count(where: \.agrees),
                agreement: trace.agreement(layer: number) ?? 1,
                probability: probabilities.reduce(0, +) / Double(max(probabilities.count, 1)))
        }
        steps = text.steps.map { step in
            // A decision that ended the text has cost what one token does.
            let tokens = step.tokens.isEmpty ? step.tokens.lowerBound..<step.tokens.lowerBound + 1 : step.tokens
            let full = tokens.reduce(Ledger()) { $0 + model.stack.fullCost(position: prompt.count + $1 - 1) }
            return Step(tokens: step.tokens, ledger: step.ledger, seconds: step.seconds, full: full)
        }
        let fullLedger = steps.reduce(Ledger()) { $0 + $1.full }
        account = Account(tokens: text.decoded, ledger: text.ledger, seconds: text.seconds)
        guard way != .full else {
            (full, divergence) = (nil, nil)
            fullAccount = Account(tokens: text.decoded, ledger: fullLedger, seconds: text.seconds)
            return
        }
        let own = try WrittenText(
            model, FullDepthDecoder(model.stack), prompt: prompt, sampling: sampling, limits: limits)
        full = own.tokens
        divergence = text.divergence(from: own)
        // The full model's text may be of another length, so its time is taken by the token.
        let share = Double(text.decoded) / Double(max(own.decoded, 1))
        fullAccount = Account(
            tokens: text.decoded, ledger: fullLedger, seconds: own.decoded > 0 ? own.seconds * share : nil)
    }

    /// Bytes that were touched, as a share of the full model's.
    public var costRatio: Double {
        Double(account.ledger.cost.bytes) / Double(max(fullAccount.ledger.cost.bytes, 1))
    }

    /// Time that was taken, as a share of the full model's; nil where it is not known.
    public var timeRatio: Double? {
        guard let seconds = account.seconds, let full = fullAccount.seconds, full > 0 else { return nil }
        return seconds / full
    }
}

extension LayerStack {
    /// What all layers and the head cost for one row.
    func fullCost(position: Int) -> Ledger {
        var ledger = Ledger()
        ledger.add(0..<layerCount, of: self, rows: 1, position: position)
        ledger.addHead(of: self, rows: 1)
        return ledger
    }
}
