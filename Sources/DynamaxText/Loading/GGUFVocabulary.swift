public import DynamaxFormats
import DynamaxTensor

/// Reads a tokenizer from the metadata of a GGUF file, with llama.cpp's reading of them.
///
/// Like llama.cpp, and unlike some models' own tokenizers, it does not bring text into a normalization form.
struct GGUFVocabulary {
    private let metadata: GGUFMetadata
    private var vocabulary = ScoredVocabulary()
    private let tokens: GGUFStrings

    init(_ metadata: GGUFMetadata) throws(FormatError) {
        self.metadata = metadata
        tokens = try metadata.strings("tokenizer.ggml.tokens")
        guard tokens.count <= Int(Token.max) else {
            throw metadata.expected("shorter than 2^31 tokens", "tokenizer.ggml.tokens")
        }
        let scores = try metadata.optionalFloats("tokenizer.ggml.scores") ?? Array(repeating: 0, count: tokens.count)
        let types = try metadata.optionalInts("tokenizer.ggml.token_type") ?? Array(repeating: 1, count: tokens.count)
        guard scores.count == tokens.count else {
            throw metadata.expected("as long as tokenizer.ggml.tokens (\(tokens.count))", "tokenizer.ggml.scores")
        }
        guard types.count == tokens.count else {
            throw metadata.expected("as long as tokenizer.ggml.tokens (\(tokens.count))", "tokenizer.ggml.token_type")
        }
        guard scores.allSatisfy({ $0.isFinite }) else {
            throw metadata.expected("an array of finite numbers", "tokenizer.ggml.scores")
        }
        for number in tokens.indices {
            // Pieces that are not UTF-8 cannot occur in text.
            let isText = String(validating: tokens[number], as: UTF8.self) != nil
            vocabulary.pieces.append(isText ? Array(tokens[number]) : Array(tokens.text(number).utf8))
        }
        vocabulary.scores = scores
        vocabulary.kinds = types.map { ScoredVocabulary.Kind(rawValue: $0) ?? .normal }
    }

    /// What the file says of the tokenizer.
    func parts() throws(FormatError) -> Tokenizer.Parts {
        let kind = try metadata.string("tokenizer.ggml.model")
        var parts: Tokenizer.Parts
        switch kind {
        case "llama": parts = try sentencePiece()
        case "gpt2": parts = try byteLevel()
        case "t5": parts = try unigram()
        default:
            throw FormatError(
                .unsupported, metadata.location,
                "the metadata key tokenizer.ggml.model names the tokenizer \(kind), expected llama, gpt2 or t5")
        }
        try addSpecialTokens(&parts)
        return parts
    }

    // MARK: Kinds

    private func sentencePiece() throws(FormatError) -> Tokenizer.Parts {
        let unknown = try token("unknown_token_id", orElse: 0)
        let bytes = vocabulary.byteTokens()
        var parts = Tokenizer.Parts(
            location: metadata.location, vocabulary: try vocabulary.vocabulary(location: metadata.location),
            model: .bytePair(
                vocabulary.bytePairModel(unknown: BytePairModel.Unknown(token: unknown, isFused: false, bytes: bytes))))
        let addsPrefix = try metadata.optionalBool("tokenizer.ggml.add_space_prefix") ?? true
        parts.normalizer = .sentencePiece(
            SentencePieceNormalizer(
                map: nil, protected: PrefixTrie(), addsDummyPrefix: addsPrefix, removesExtraWhitespace: false,
                escapesWhitespace: true, treatsWhitespaceAsSuffix: false))
        parts.decoder = Decoder(
            steps: [.replace(marker, by: [UInt8(ascii: " ")])], byteRuns: .byCharacter,
            start: addsPrefix ? .marker(repeats: false) : .nothing, addedAreVerbatim: true)
        parts.unknown = unknown
        try addFrame(
            &parts, bos: try token("bos_token_id", orElse: 1), eos: try token("eos_token_id", orElse: 2), (true, false))
        return parts
    }

    private func unigram() throws(FormatError) -> Tokenizer.Parts {
        var map: CharacterMap?
        if let bytes = try metadata.optionalInts("tokenizer.ggml.precompiled_charsmap"), !bytes.isEmpty {
            map = CharacterMap(bytes.map { UInt8(truncatingIfNeeded: $0) })
            if map == nil { throw metadata.expected("a table of replacements", "tokenizer.ggml.precompiled_charsmap") }
        }
        let unknown = try token("unknown_token_id", orElse: 2)
        var parts = Tokenizer.Parts(
            location: metadata.location, vocabulary: try vocabulary.vocabulary(location: metadata.location),
            model: .unigram(vocabulary.unigramModel(unknown: unknown, bytes: vocabulary.byteTokens())))
        let addsPrefix = try metadata.optionalBool("tokenizer.ggml.add_space_prefix") ?? true
        let removesWhitespace = try metadata.optionalBool("tokenizer.ggml.remove_extra_whitespaces") ?? false
        parts.normalizer = .sentencePiece(
            SentencePieceNormalizer(
                map: map, protected: PrefixTrie(), addsDummyPrefix: addsPrefix,
                removesExtraWhitespace: removesWhitespace, escapesWhitespace: true, treatsWhitespaceAsSuffix: false))
        parts.decoder = Decoder(
            steps: [.replace(marker, by: [UInt8(ascii: " ")])], byteRuns: .byCharacter,
            start: .marker(repeats: removesWhitespace), addedAreVerbatim: true)
        parts.unknown = unknown
        try addFrame(&parts, bos: try token("bos_token_id"), eos: try token("eos_token_id", orElse: 1), (false, true))
        return parts
    }

    private func byteLevel() throws(FormatError) -> Tokenizer.Parts {
        let name = try metadata.optionalString("tokenizer.ggml.pre") ?? "default"
        guard let kind = GGUFPreTokenizer(name) else {
            throw FormatError(
                .unsupported, metadata.location,
                "the metadata key tokenizer.ggml.pre names the pre-tokenizer \(name), which is not supported")
        }
        let spelled = vocabulary.textPieces([.normal, .userDefined, .control, .unknown])
        let index = PieceIndex(spelled)
        let merges = try metadata.strings("tokenizer.ggml.merges")
        var builder = MergeBuilder(index, capacity: merges.count)
        for (rank, merge) in merges.enumerated() {
            guard let space = merge.dropFirst().firstIndex(of: UInt8(ascii: " ")),
                builder.add(merge[..<space], merge[(space + 1)...], rank)
            else {
                throw FormatError(
                    .malformed, metadata.location,
                    "the merge \(rank) in tokenizer.ggml.merges must be two pieces that make a third")
            }
        }
        var parts = Tokenizer.Parts(
            location: metadata.location, vocabulary: try vocabulary.vocabulary(location: metadata.location),
            model: .bytePair(
                BytePairModel(
                    byteLevel: spelled, index: index, merger: builder.merger, unknown: BytePairModel.Unknown(),
                    ignoresMerges: kind.ignoresMerges)))
        parts.preTokenizer = try kind.preTokenizer(location: metadata.location)
        parts.decoder = Decoder(steps: [.byteLevel], addedAreVerbatim: true)
        parts.unknown = try token("unknown_token_id")
        try addFrame(&parts, bos: try token("bos_token_id"), eos: try token("eos_token_id"), (kind.addsBOS, false))
        return parts
    }

    // MARK: Special tokens

    private func token(_ key: String, orElse number: Int? = nil) throws(FormatError) -> Token? {
        let key = "tokenizer.ggml.\(key)"
        guard let id = try metadata.optionalInt(key) else {
            return number.flatMap { tokens.indices.contains($0) ? Token($0) : nil }
        }
        // Converters write -1 or 2^32 - 1 for none.
        if id < 0 || id == Int(UInt32.max) { return nil }
        guard tokens.indices.contains(id) else {
            throw metadata.expected("a token of the vocabulary (\(tokens.count)), not \(id)", key)
        }
        return Token(id)
    }

    private func addFrame(
        _ parts: inout Tokenizer.Parts, bos: Token?, eos: Token?, _ defaults: (bos: Bool, eos: Bool)
    ) throws(FormatError) {
        parts.bos = bos
        if let bos, try metadata.optionalBool("tokenizer.ggml.add_bos_token") ?? defaults.bos {
            parts.frame.prefix = [bos]
        }
        guard let eos else { return }
        parts.eos = [eos]
        if try metadata.optionalBool("tokenizer.ggml.add_eos_token") ?? defaults.eos { parts.frame.suffix = [eos] }
    }

    /// Names of tokens that end a text or a turn, which old files do not list by key, or as control tokens.
    private static let turnEnds: Set<String> = [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>", "<EOT>", "<|return|>",
        "<|end_of_text|>", "<｜end▁of▁sentence｜>", "</s>",
    ]

    /// Whether this is Phi-3, whose control tokens take the white space after them along. GGUF has no key for that.
    private func isPhi3() throws(FormatError) -> Bool {
        let name = try metadata.optionalString("general.name")?.lowercased() ?? ""
        return name.contains("phi-3") || name.contains("phi3")
    }

    private func addSpecialTokens(_ parts: inout Tokenizer.Parts) throws(FormatError) {
        var ends = parts.eos
        for key in ["eot_token_id", "eom_token_id"] { if let end = try token(key) { ends.append(end) } }
        let isPhi3 = try isPhi3()
        for number in tokens.indices {
            let kind = vocabulary.kinds[number]
            let name = tokens.text(number)
            guard [.control, .unknown, .userDefined].contains(kind) else { continue }
            let endsTurn = GGUFVocabulary.turnEnds.contains(name)
            let isSpecial = kind != .userDefined || endsTurn
            parts.added.append(
                AddedTokens.Entry(
                    id: Token(number), content: vocabulary.pieces[number],
                    stripsRight: isPhi3 && !["<unk>", "<s>", "<|endoftext|>"].contains(name), isSpecial: isSpecial))
            if endsTurn, name != "</s>" { ends.append(Token(number)) }
        }
        parts.eos = ends.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}

extension Tokenizer {
    /// Reads the tokenizer of a GGUF file.
    ///
    /// - Throws: `FormatError` that names the key that is missing, wrong or not supported.
    public convenience init(gguf metadata: GGUFMetadata) throws(FormatError) {
        self.init(try GGUFVocabulary(metadata).parts())
    }
}
