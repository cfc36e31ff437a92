import DynamaxFormats
import DynamaxTensor

/// Reads tokenizer.json, the format of the `tokenizers` library: a pipeline of normalizer, pre-tokenizer, model,
/// post-processor and decoder, each with a type and settings. A part that is not known is refused by name.
struct TokenizerJSON {
    let root: JSONNode
    var parts: Tokenizer.Parts

    init(_ root: JSONNode) throws(FormatError) {
        self.root = root
        let model = try root.node("model")
        let normalizer = try TokenizerJSON.normalizer(root["normalizer"])
        let preTokenizer = try TokenizerJSON.preTokenizer(root["pre_tokenizer"])
        let own = try TokenizerJSON.ownPieces(model)
        let entries = try TokenizerJSON.addedTokens(root, own: PieceList(own))
        let added = entries.map { (bytes: $0.content, id: Int($0.id)) }
        let vocabulary = try Vocabulary(own + added, location: root.location)
        let pieceModel = try TokenizerJSON.model(
            model, own: own, vocabulary: vocabulary, isByteLevel: preTokenizer.isByteLevel)
        parts = Tokenizer.Parts(location: root.location, vocabulary: vocabulary, model: pieceModel)
        parts.added = entries
        parts.normalizer = normalizer
        parts.preTokenizer = preTokenizer
        parts.decoder = try TokenizerJSON.decoder(root["decoder"])
        parts.frame = try TokenizerJSON.frame(root["post_processor"], vocabulary: vocabulary)
        if let unknown = try TokenizerJSON.unknownToken(model) {
            parts.unknown = PieceIndex(vocabulary.all).number(of: Array(unknown.utf8).span).map { Token($0) }
        }
    }

    // MARK: Added tokens

    /// Finds the numbers of pieces by their bytes.
    private struct PieceList {
        private let index: PieceIndex
        private let ids: [Int]

        init(_ pieces: [(bytes: [UInt8], id: Int)]) {
            var strings = ByteStrings(capacity: pieces.count, bytes: 8 * pieces.count)
            for piece in pieces { strings.append(piece.bytes) }
            index = PieceIndex(strings)
            ids = pieces.map(\.id)
        }

        func id(of bytes: [UInt8]) -> Int? { index.number(of: bytes.span).map { ids[$0] } }
    }

    private static func addedTokens(
        _ root: JSONNode, own: PieceList
    ) throws(FormatError) -> [AddedTokens.Entry] {
        var entries: [AddedTokens.Entry] = []
        for node in try root.optionalArray("added_tokens") ?? [] {
            let content = Array(try node.string("content").utf8)
            // As in the reference, a piece that the model knows keeps the model's number.
            let id = if let known = own.id(of: content) { known } else { try node.int("id") }
            guard let token = Token(exactly: id) else { throw try node.node("id").expected("a token") }
            let isSpecial = try node.optionalBool("special") ?? false
            entries.append(
                AddedTokens.Entry(
                    id: token, content: content,
                    isSingleWord: try node.optionalBool("single_word") ?? false,
                    stripsLeft: try node.optionalBool("lstrip") ?? false,
                    stripsRight: try node.optionalBool("rstrip") ?? false,
                    isNormalized: try node.optionalBool("normalized") ?? !isSpecial,
                    isSpecial: isSpecial))
        }
        return entries
    }

    // MARK: Post-processor

    /// The tokens that a post-processor puts around one text.
    private static func frame(_ node: JSONNode?, vocabulary: Vocabulary) throws(FormatError) -> Tokenizer.Frame {
        guard let node else { return Tokenizer.Frame() }
        var frame = Tokenizer.Frame()
        switch try node.string("type") {
        case "ByteLevel": break  // changes offsets only
        case "TemplateProcessing": frame = try template(node)
        case "RobertaProcessing", "BertProcessing":
            frame.prefix = [try token(node.node("cls"))]
            frame.suffix = [try token(node.node("sep"))]
        case "Sequence":
            for step in try node.array("processors") {
                let inner = try self.frame(step, vocabulary: vocabulary)
                frame.prefix = inner.prefix + frame.prefix
                frame.suffix += inner.suffix
            }
        case let type: throw unsupported(type, node)
        }
        for token in frame.prefix + frame.suffix where vocabulary[token] == nil {
            throw node.expected("one whose tokens are in the vocabulary (the token \(token) is not)")
        }
        return frame
    }

    private static func template(_ node: JSONNode) throws(FormatError) -> Tokenizer.Frame {
        var frame = Tokenizer.Frame()
        var sawText = false
        for item in try node.array("single") {
            if let special = item["SpecialToken"] {
                let name = try special.string("id")
                guard let definition = try node.node("special_tokens")[name] else {
                    throw special.expected("one of the special tokens of the template")
                }
                for id in try definition.array("ids") {
                    guard let token = Token(exactly: try id.int()) else { throw id.expected("a token") }
                    if sawText { frame.suffix.append(token) } else { frame.prefix.append(token) }
                }
            } else {
                guard try item.node("Sequence").string("id") == "A", !sawText else {
                    throw item.expected("the text A, once")
                }
                sawText = true
            }
        }
        guard sawText else { throw try node.node("single").expected("a template with the text A") }
        return frame
    }

    /// The number in a pair of piece and number.
    private static func token(_ node: JSONNode) throws(FormatError) -> Token {
        let pair = try node.array()
        guard pair.count == 2, let token = Token(exactly: try pair[1].int()) else {
            throw node.expected("a piece and its number")
        }
        return token
    }

    // MARK: Complaints

    static func unsupported(_ type: String, _ node: JSONNode) -> FormatError {
        FormatError(
            .unsupported, node.location, "the field \(node.path).type asks for \(type), which is not supported")
    }

    /// Fails where a setting has another value than the one that is built in.
    static func require(_ isSupported: Bool, _ key: String, _ node: JSONNode) throws(FormatError) {
        guard isSupported else {
            throw FormatError(
                .unsupported, node.location, "the field \(node.path).\(key) has a value that is not supported")
        }
    }
}
