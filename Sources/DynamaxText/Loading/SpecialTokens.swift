import DynamaxFormats
import DynamaxTensor

/// Finds out which tokens begin and end a text, from the files that lie beside a tokenizer.
///
/// The tokenizer's own files go before config.json, whose numbers are wrong in some models (Codestral Mamba says 0 for all).
struct SpecialTokens {
    private let tokenizerConfig: JSONNode?
    private let specialTokensMap: JSONNode?
    private let generationConfig: JSONNode?
    private let config: JSONNode?

    /// Reads the files of a folder that are there.
    init(folder: String) throws(FormatError) {
        tokenizerConfig = try SpecialTokens.read("tokenizer_config.json", in: folder)
        specialTokensMap = try SpecialTokens.read("special_tokens_map.json", in: folder)
        generationConfig = try SpecialTokens.read("generation_config.json", in: folder)
        config = try SpecialTokens.read("config.json", in: folder)
    }

    private static func read(_ name: String, in folder: String) throws(FormatError) -> JSONNode? {
        do {
            return try JSONNode(contentsOf: "\(folder)/\(name)")
        } catch  where error.kind == .missing {
            return nil
        }
    }

    /// Completes what a tokenizer's file says.
    func complete(_ parts: inout Tokenizer.Parts) throws(FormatError) {
        let index = PieceIndex(parts.vocabulary.all)
        func token(_ key: String) throws(FormatError) -> Token? {
            for file in [tokenizerConfig, specialTokensMap] {
                guard let piece = try SpecialTokens.piece(key, in: file) else { continue }
                if let number = index.number(of: Array(piece.utf8).span) { return Token(number) }
            }
            return nil
        }
        if let bos = try token("bos_token") { parts.bos = bos }
        var ends: [Token] = []
        if let eos = try token("eos_token") { ends.append(eos) }
        // Turn markers such as Llama 3's <|eot_id|> are listed here only.
        for id in try SpecialTokens.ids("eos_token_id", in: generationConfig) where parts.isControl(id) {
            ends.append(id)
        }
        if ends.isEmpty {
            ends = try SpecialTokens.ids("eos_token_id", in: config).filter { parts.isControl($0) }
        }
        if parts.bos == nil, tokenizerConfig == nil, specialTokensMap == nil {
            parts.bos = try SpecialTokens.ids("bos_token_id", in: config).first { parts.isControl($0) }
        }
        if !ends.isEmpty { parts.eos = ends.reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
        if parts.unknown == nil { parts.unknown = try token("unk_token") }
        parts.asksForTidySpaces = try flag("clean_up_tokenization_spaces") ?? false
    }

    /// Whether tokenizer_config.json asks for a token around texts, for tokenizers whose own file does not say.
    func flag(_ key: String) throws(FormatError) -> Bool? { try tokenizerConfig?.optionalBool(key) }

    /// A piece, written as a string or as an object with its content.
    private static func piece(_ key: String, in file: JSONNode?) throws(FormatError) -> String? {
        guard let node = file?[key] else { return nil }
        if case .object = node.value { return try node.string("content") }
        return try node.string()
    }

    /// A number or a list of numbers.
    private static func ids(_ key: String, in file: JSONNode?) throws(FormatError) -> [Token] {
        guard let node = file?[key] else { return [] }
        let nodes = if case .array = node.value { try node.array() } else { [node] }
        var ids: [Token] = []
        for node in nodes { if let id = Token(exactly: try node.int()) { ids.append(id) } }
        return ids
    }
}

extension Tokenizer.Parts {
    /// Whether a token is a control token.
    fileprivate func isControl(_ token: Token) -> Bool { added.contains { $0.id == token && $0.isSpecial } }

    /// Takes well-known names where no file says which tokens begin and end a text.
    mutating func guessSpecialTokens() {
        let index = PieceIndex(vocabulary.all)
        func token(_ names: [String]) -> Token? {
            for name in names {
                if let number = index.number(of: Array(name.utf8).span), isControl(Token(number)) {
                    return Token(number)
                }
            }
            return nil
        }
        if bos == nil { bos = token(["<s>", "<|begin_of_text|>", "<bos>", "<｜begin▁of▁sentence｜>"]) }
        if eos.isEmpty, let end = token(["</s>", "<|end_of_text|>", "<|endoftext|>", "<eos>", "<｜end▁of▁sentence｜>"]) {
            eos = [end]
        }
    }
}
