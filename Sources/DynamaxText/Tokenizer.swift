public import DynamaxFormats
public import DynamaxTensor

/// Turns text into tokens and back, exactly as the reference implementation of a model's tokenizer does.
///
/// A tokenizer is read from whatever a model comes with, a folder in Hugging Face layout, tokenizer.json, a SentencePiece
/// model, GPT-2's vocabulary and merges, or the metadata of a GGUF file:
///
///     let tokenizer = try Tokenizer(at: "models/stories260K")
///     let tokens = tokenizer.encode("Once upon a time")
///     let text = try tokenizer.decode(tokens)
///
/// It is immutable and may be used from many threads at once. Time is proportional to the length of the text, or for text
/// in words of enormous length to n log n.
public final class Tokenizer: Sendable {
    /// The file that it was read from.
    public let location: String
    /// One more than the largest token; a few numbers below may be unused.
    public var vocabularySize: Int { vocabulary.count }
    /// The token that begins a text, where the model has one.
    public let bosToken: Token?
    /// The tokens that end a text or a turn, the principal one first.
    public let eosTokens: [Token]
    /// The token of text that the vocabulary cannot express, where it has one.
    public let unknownToken: Token?
    /// Control tokens, in order: tokens that are not text.
    public let specialTokens: [Token]
    /// Whether transformers, up to version 4, would take spaces before punctuation out of what this decodes
    /// (`clean_up_tokenization_spaces`); `decode` leaves them.
    public let asksForTidySpaces: Bool

    let vocabulary: Vocabulary
    let decoder: Decoder
    private let index: PieceIndex
    private let added: AddedTokens
    private let isSpecialByToken: [Bool]
    private let isAddedByToken: [Bool]
    private let normalizer: Normalizer?
    private let preTokenizer: PreTokenizer
    private let model: TokenModel
    private let frame: Frame

    /// Tokens that are put around each text.
    struct Frame: Sendable {
        var prefix: [Token] = []
        var suffix: [Token] = []
    }

    /// What a loader finds out.
    struct Parts {
        var location: String
        var vocabulary: Vocabulary
        var added: [AddedTokens.Entry] = []
        var normalizer: Normalizer?
        var preTokenizer = PreTokenizer(steps: [])
        var model: TokenModel
        var frame = Frame()
        var decoder = Decoder()
        var bos: Token?
        var eos: [Token] = []
        var unknown: Token?
        var asksForTidySpaces = false
    }

    init(_ parts: Parts) {
        location = parts.location
        vocabulary = parts.vocabulary
        decoder = parts.decoder
        index = PieceIndex(parts.vocabulary.all)
        added = AddedTokens(parts.added, normalizer: parts.normalizer)
        normalizer = parts.normalizer
        preTokenizer = parts.preTokenizer
        model = parts.model
        frame = parts.frame
        bosToken = parts.bos
        eosTokens = parts.eos
        unknownToken = parts.unknown
        asksForTidySpaces = parts.asksForTidySpaces
        var isSpecial = [Bool](repeating: false, count: parts.vocabulary.count)
        var isAdded = isSpecial
        for entry in parts.added {
            isAdded[Int(entry.id)] = true
            if entry.isSpecial { isSpecial[Int(entry.id)] = true }
        }
        isSpecialByToken = isSpecial
        isAddedByToken = isAdded
        specialTokens = isSpecial.indices.filter { isSpecial[$0] }.map { Token($0) }
    }

    // MARK: Text to tokens

    /// The tokens of a text.
    ///
    /// - Parameters:
    ///   - text: of any length.
    ///   - addSpecialTokens: whether to put the tokens around the text that the model expects, such as `<s>`.
    ///   - parseSpecialTokens: whether control tokens that are written out in the text count as such. Say no where the text is
    ///     a user's.
    public func encode(
        _ text: String, addSpecialTokens: Bool = true, parseSpecialTokens: Bool = true
    ) -> [Token] {
        var tokens = addSpecialTokens ? frame.prefix : []
        tokens.reserveCapacity(tokens.count + text.utf8.count / 4 + frame.suffix.count)
        var text = text
        text.withUTF8 { encode(Span(_unsafeElements: $0), parsesSpecial: parseSpecialTokens, into: &tokens) }
        if addSpecialTokens { tokens += frame.suffix }
        return tokens
    }

    private func encode(_ text: Span<UInt8>, parsesSpecial: Bool, into tokens: inout [Token]) {
        var workspace = TokenModel.Workspace(length: text.count)
        added.forEachPart(in: text, .verbatim, parsesSpecial: parsesSpecial) { range, token in
            if let token { return tokens.append(token) }
            let part = text.extracting(range)
            let isAtStart = range.lowerBound == 0
            if let changed = normalizer?.normalized(part) {
                encode(normalized: changed.span, isAtStart, parsesSpecial, into: &tokens, &workspace)
            } else {
                encode(normalized: part, isAtStart, parsesSpecial, into: &tokens, &workspace)
            }
        }
    }

    private func encode(
        normalized text: Span<UInt8>, _ isAtStart: Bool, _ parsesSpecial: Bool, into tokens: inout [Token],
        _ workspace: inout TokenModel.Workspace
    ) {
        added.forEachPart(in: text, .normalized, parsesSpecial: parsesSpecial) { range, token in
            if let token { return tokens.append(token) }
            preTokenizer.forEachWord(in: text.extracting(range), isAtStart: isAtStart && range.lowerBound == 0) {
                model.encode($0, into: &tokens, &workspace)
            }
        }
    }

    // MARK: Tokens to text

    /// The text of tokens; what is not UTF-8 becomes U+FFFD.
    ///
    /// - Throws: `FormatError` where a token is outside the vocabulary.
    public func decode(_ tokens: [Token], skipSpecialTokens: Bool = true) throws(FormatError) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tokens.count * 5)
        var detokenizer = StreamingDetokenizer(self, skipSpecialTokens: skipSpecialTokens)
        for token in tokens {
            guard vocabulary[token] != nil else { throw outside(token) }
            detokenizer.append(token, to: &bytes)
        }
        detokenizer.finish(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Pieces

    /// A token's piece as the vocabulary spells it, with "Ġ" or "▁" for a space.
    ///
    /// - Throws: `FormatError` where the token is outside the vocabulary.
    public func piece(_ token: Token) throws(FormatError) -> String {
        guard let bytes = vocabulary[token] else { throw outside(token) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The bytes of text that a token stands for after others; they need not be whole characters.
    ///
    /// - Throws: `FormatError` where the token is outside the vocabulary.
    public func bytes(_ token: Token) throws(FormatError) -> [UInt8] {
        guard let piece = vocabulary[token] else { throw outside(token) }
        if decoder.byteRuns != .none, let byte = Decoder.byte(of: piece) { return [byte] }
        var bytes: [UInt8] = []
        decoder.render(piece, isAdded: isAdded(token), into: &bytes)
        return bytes
    }

    /// The token of a piece, spelled as in the vocabulary, or nil.
    public func token(_ piece: String) -> Token? {
        index.number(of: Array(piece.utf8).span).map { Token($0) }
    }

    /// Whether a token is a control token.
    public func isSpecial(_ token: Token) -> Bool {
        isSpecialByToken.indices.contains(Int(token)) && isSpecialByToken[Int(token)]
    }

    /// Whether a token is found before all cutting, and so is spelled as it is.
    func isAdded(_ token: Token) -> Bool {
        isAddedByToken.indices.contains(Int(token)) && isAddedByToken[Int(token)]
    }

    private func outside(_ token: Token) -> FormatError {
        FormatError(
            .mismatch, location,
            "the token \(token) is outside the vocabulary, expected one from 0 to \(vocabularySize - 1)")
    }
}
