public import DynamaxTensor

/// Writes a continuation of a prompt, token by token.
///
///     var generation = try Generation(model, FullDepthDecoder(model.stack), prompt: tokens, limits: limits)
///     while let token = try generation.next() { … }
public struct Generation {
    /// When to stop.
    public struct Limits: Sendable {
        /// Tokens to write at most.
        public var tokens: Int
        /// Tokens that end the text; they are not part of it.
        public var stopTokens: Set<Token>

        /// Takes a number of tokens and those that end the text.
        public init(tokens: Int, stopTokens: Set<Token> = []) {
            self.tokens = tokens
            self.stopTokens = stopTokens
        }
    }

    /// One token of the continuation.
    public struct Output: Sendable {
        /// Its number in the vocabulary.
        public let token: Token
        /// Layers that decided it.
        public let layer: Int
        /// How sure the exit was; nil without exits.
        public let score: Float?
    }

    /// Why the text ended.
    public enum FinishReason: String, Sendable {
        /// A stop token came.
        case stop
        /// As many tokens as allowed were written.
        case length
        /// The model's context is full.
        case context
    }

    /// The past of the sequence.
    public let state: SequenceState
    /// Why the text ended, once it has.
    public private(set) var finishReason: FinishReason?
    /// What the prompt has cost.
    public let promptLedger: Ledger
    /// What the tokens since have cost.
    public private(set) var ledger = Ledger()

    private let context: Int?
    private let limits: Limits
    private var decoder: any Decoder
    private var sampler: Sampler
    private var step: DecodingStep
    private var produced = 0

    /// Runs the prompt.
    ///
    /// - Parameters:
    ///   - model: gives the context and the layers that the prompt runs through, all of them.
    ///   - decoder: runs the tokens that follow.
    ///   - prompt: at least one token, and no more than the context holds.
    ///   - sampling: how tokens are drawn.
    ///   - limits: when to stop.
    ///   - history: positions that can be taken back in recurrent layers.
    /// - Throws: `GenerationError` when the prompt is empty, too long, or holds a token that the model does not know.
    public init(
        _ model: LanguageModel, _ decoder: any Decoder, prompt: [Token], sampling: Sampling = .greedy, limits: Limits,
        history: Int = 0
    ) throws(GenerationError) {
        guard !prompt.isEmpty else { throw .emptyPrompt }
        if let context = model.context, prompt.count > context {
            throw .promptTooLong(prompt.count, context: context)
        }
        let vocabulary = model.stack.vocabularySize
        if let stranger = prompt.first(where: { !(0..<vocabulary).contains(Int($0)) }) {
            throw .unknownToken(stranger, vocabulary: vocabulary)
        }
        context = model.context
        self.decoder = decoder
        self.limits = limits
        sampler = Sampler(sampling)
        state = model.stack.makeState(history: history)
        step = model.stack.prefill(prompt, state)
        promptLedger = step.ledger
    }

    /// The next token, or nil when the text has ended.
    ///
    /// - Throws: `GenerationError.notANumber` when the model's logits are.
    public mutating func next() throws(GenerationError) -> Output? {
        guard finishReason == nil else { return nil }
        guard produced < limits.tokens else {
            finishReason = .length
            return nil
        }
        guard let token = sampler.next(step.logits) else { throw .notANumber(position: state.length - 1) }
        if limits.stopTokens.contains(token) {
            finishReason = .stop
            return nil
        }
        let output = Output(token: token, layer: step.layer, score: step.score)
        produced += 1
        // The token's own logits are needed only if another may follow.
        if produced == limits.tokens {
            finishReason = .length
        } else if let context, state.length >= context {
            finishReason = .context
        } else {
            step = decoder.step(token, state)
            ledger += step.ledger
        }
        return output
    }
}

/// Why a continuation cannot be written.
public enum GenerationError: Error, Equatable, CustomStringConvertible {
    case emptyPrompt
    case promptTooLong(Int, context: Int)
    case unknownToken(Token, vocabulary: Int)
    case notANumber(position: Int)
    case traceTooLarge(tokens: Int)

    public var description: String {
        switch self {
        case .emptyPrompt:
            "the prompt is empty: it must hold at least one token"
        case .promptTooLong(let count, let context):
            "the prompt has \(count) tokens, more than the model's context of \(context)"
        case .unknownToken(let token, let vocabulary):
            "token \(token) is outside the model's vocabulary of \(vocabulary)"
        case .traceTooLarge(let tokens):
            "the hidden rows and logits of \(tokens) tokens do not fit into this machine's memory: trace fewer tokens"
        case .notANumber(let position):
            "the model's logits at position \(position) are not numbers: its weights hold NaN or overflow"
        }
    }
}
