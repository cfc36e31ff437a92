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
    /// Has accepted the prompt and the tokens handed out.
    private var sampler: Sampler
    private var decoder: any Decoder
    /// Tokens decided last, of which those from `nextDecided` on are not yet handed out.
    private var decided: [Choice] = []
    private var nextDecided = 0
    private var produced = 0
    /// Positions of the prompt and of the tokens handed out.
    private var length: Int

    /// Runs the prompt.
    ///
    /// - Parameters:
    ///   - model: gives the context and the layers that the prompt runs through, all of them.
    ///   - decoder: runs the tokens that follow.
    ///   - prompt: at least one token, and no more than the context holds.
    ///   - sampling: how tokens are drawn.
    ///   - limits: when to stop.
    ///   - history: positions that can be taken back in recurrent layers.
    ///   - past: a state that has consumed the beginning of the prompt, made by the decoder; nil to begin with an empty one.
    /// - Throws: `GenerationError` when the prompt is empty, too long, or holds a token that the model does not know.
    public init(
        _ model: LanguageModel, _ decoder: any Decoder, prompt: [Token], sampling: Sampling = .greedy, limits: Limits,
        history: Int = 0, past: SequenceState? = nil
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
        sampler.accept(prompt)
        state = past ?? decoder.makeState(history: history)
        precondition(state.length < prompt.count, "nothing of the prompt is left to say what follows it")
        let step = decoder.prefill(Array(prompt[state.length...]), state)
        if limits.tokens > 0 { decided.append(try step.choice(sampler, at: prompt.count)) }
        promptLedger = step.ledger
        length = prompt.count
    }

    /// The next token, or nil when the text has ended.
    ///
    /// - Throws: `GenerationError.notANumber` when the model's logits are.
    public mutating func next() throws(GenerationError) -> Choice? {
        guard finishReason == nil else { return nil }
        guard produced < limits.tokens else { return end(.length) }
        guard nextDecided < decided.count else { return nil }
        let choice = decided[nextDecided]
        nextDecided += 1
        guard !limits.stopTokens.contains(choice.token) else { return end(.stop) }
        produced += 1
        length += 1
        sampler.accept(choice.token)
        // The token's own logits are needed only if another may follow.
        if produced == limits.tokens {
            _ = end(.length)
        } else if let context, length > context {
            _ = end(.context)
        } else if nextDecided == decided.count {
            let room = min(limits.tokens - produced, context.map { $0 + 1 - length } ?? .max)
            decided.removeAll(keepingCapacity: true)
            nextDecided = 0
            ledger += try decoder.decide(after: choice.token, state, sampler, room: room, into: &decided)
        }
        return choice
    }

    /// Ends the text: the state forgets tokens that were decided beyond it.
    private mutating func end(_ reason: FinishReason) -> Choice? {
        finishReason = reason
        (decided, nextDecided) = ([], 0)
        // Decoders that decide ahead have asked for the history that this takes.
        if state.length > length { try? state.truncate(to: length) }
        return nil
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
