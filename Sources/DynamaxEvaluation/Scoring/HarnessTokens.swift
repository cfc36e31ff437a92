public import DynamaxTensor
public import DynamaxText

/// Tokens of which some at the end are asked about: how likely is each, after those before it?
public struct AskedTokens: Hashable, Sendable {
    public let tokens: [Token]
    /// How many, at the end; at least one token comes before them.
    public let asked: Int
}

/// The tokens of what a task asks, as lm-evaluation-harness's backend `hf` makes them in the version that `TaskCatalogue` names.
public struct HarnessTokens: Sendable {
    public let tokenizer: Tokenizer
    /// Tokens that a model takes at most; what is longer loses its beginning.
    public let limit: Int
    /// What stands before a text that has nothing before it.
    private let prefix: Token
    private let prefixText: [UInt8]

    /// Takes a tokenizer.
    ///
    /// - Throws: `EvaluationError` where it has no token that begins or ends a text.
    public init(_ tokenizer: Tokenizer, limit: Int) throws(EvaluationError) {
        guard let prefix = tokenizer.bosToken ?? tokenizer.eosTokens.first else { throw .noPrefix(tokenizer.location) }
        (self.tokenizer, self.limit, self.prefix) = (tokenizer, limit, prefix)
        prefixText = (try? tokenizer.piece(prefix)).map { Array($0.utf8) } ?? []
    }

    /// The tokens of a continuation after its context (`loglikelihood`, `_encode_pair`).
    ///
    /// White space at the end of the context counts as the continuation's. Context and continuation are encoded together, and cut
    /// where the context alone ends.
    public func continuation(_ continuation: Continuation) throws(EvaluationError) -> AskedTokens {
        guard !continuation.context.isEmpty else {
            let tokens = tokenizer.encode(continuation.text, addSpecialTokens: false)
            return try tokens.first == prefix
                ? cut(tokens, asked: tokens.count - 1) : cut([prefix] + tokens, asked: tokens.count)
        }
        let context = encode(PythonText.stripEnd(continuation.context))
        let asked = encode(continuation.context + continuation.text).dropFirst(context.count)
        return try cut((context.isEmpty ? [prefix] : context) + asked, asked: asked.count)
    }

    private func cut(_ tokens: [Token], asked: Int) throws(EvaluationError) -> AskedTokens {
        guard asked <= limit else { throw .tooLong(tokens: asked, limit: limit) }
        return AskedTokens(tokens: tokens.suffix(limit + 1), asked: asked)
    }

    /// The windows of a whole text (`loglikelihood_rolling`): each token is asked about once, after at most as many as fit.
    public func windows(_ text: String) -> [AskedTokens] {
        let tokens = encode(text)
        guard !tokens.isEmpty else { return [] }
        let first = min(limit, tokens.count)
        var windows = [AskedTokens(tokens: [prefix] + tokens[..<first], asked: first)]
        var end = first
        while end < tokens.count {
            let count = min(tokens.count - end, limit)
            end += count
            windows.append(AskedTokens(tokens: Array(tokens[(end - limit - 1)..<end]), asked: count))
        }
        return windows
    }

    /// The tokens of a context that so many are to follow (`generate_until`).
    public func prompt(_ context: String, room: Int) throws(EvaluationError) -> [Token] {
        guard room < limit else { throw .noRoom(tokens: room, limit: limit) }
        let tokens = encode(context)
        return tokens.isEmpty ? [prefix] : tokens.suffix(limit - room)
    }

    /// Written text as the harness has it from transformers, which takes out some spaces where a tokenizer's settings say so.
    static func written(_ text: String, _ tokenizer: Tokenizer) -> String {
        tokenizer.asksForTidySpaces ? tidied(text) : text
    }

    /// A text without spaces before punctuation and the ends of English contractions (`clean_up_tokenization`).
    package static func tidied(_ text: String) -> String {
        let spaced = [" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"]
        return spaced.reduce(text) { PythonText.replace($0, $1, PythonText.strip($1)) }
    }

    /// The token that begins a text is added as the tokenizer does by itself, unless the text begins with it.
    private func encode(_ text: String) -> [Token] {
        tokenizer.encode(text, addSpecialTokens: prefixText.isEmpty || !text.utf8.starts(with: prefixText))
    }
}
