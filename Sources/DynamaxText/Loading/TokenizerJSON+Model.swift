import DynamaxFormats
import DynamaxTensor

extension TokenizerJSON {
    /// The type of a model; old files leave it out.
    private static func type(of model: JSONNode) throws(FormatError) -> String {
        if let type = try model.optionalString("type") { return type }
        if model["merges"] != nil { return "BPE" }
        if case .array? = model.value["vocab"] { return "Unigram" }
        return model["max_input_chars_per_word"] != nil ? "WordPiece" : "WordLevel"
    }

    /// The pieces that a model brings along.
    static func ownPieces(_ model: JSONNode) throws(FormatError) -> [(bytes: [UInt8], id: Int)] {
        let vocabulary = try model.node("vocab")
        switch vocabulary.value {
        case .object(let object):
            var pieces: [(bytes: [UInt8], id: Int)] = []
            pieces.reserveCapacity(object.count)
            for (piece, value) in object {
                guard case .integer(let id) = value else {
                    throw FormatError(
                        .mismatch, model.location,
                        "the number of the piece \"\(piece)\" in model.vocab must be an integer")
                }
                pieces.append((Array(piece.utf8), id))
            }
            return pieces
        case .array(let values):
            var pieces: [(bytes: [UInt8], id: Int)] = []
            pieces.reserveCapacity(values.count)
            for (id, value) in values.enumerated() {
                guard case .array(let pair) = value, pair.count == 2, case .string(let piece) = pair[0] else {
                    throw FormatError(
                        .mismatch, model.location, "the field model.vocab[\(id)] must be a piece and its score")
                }
                pieces.append((Array(piece.utf8), id))
            }
            return pieces
        default:
            throw vocabulary.expected("an object of pieces and numbers, or an array of pieces and scores")
        }
    }

    /// The piece for unknown text, where the model names one.
    static func unknownToken(_ model: JSONNode) throws(FormatError) -> String? {
        if let piece = try model.optionalString("unk_token") { return piece }
        guard let id = try model.optionalInt("unk_id"), case .array(let values)? = model.value["vocab"],
            values.indices.contains(id), case .array(let pair) = values[id], case .string(let piece)? = pair.first
        else { return nil }
        return piece
    }

    static func model(
        _ node: JSONNode, own: [(bytes: [UInt8], id: Int)], vocabulary: Vocabulary, isByteLevel: Bool
    ) throws(FormatError) -> TokenModel {
        // The model finds its own pieces only, not those that were added.
        var places = [Int](repeating: -1, count: vocabulary.count)
        for (place, piece) in own.enumerated() { places[piece.id] = place }
        var spelled = ByteStrings(capacity: places.count, bytes: 8 * places.count)
        for place in places { spelled.append(place < 0 ? [] : own[place].bytes) }
        switch try type(of: node) {
        case "BPE": return .bytePair(try bytePair(node, spelled, isByteLevel))
        case "Unigram": return .unigram(try unigram(node, spelled))
        case let type: throw unsupported(type, node)
        }
    }

    // MARK: BPE

    private static func bytePair(
        _ node: JSONNode, _ spelled: ByteStrings, _ isByteLevel: Bool
    ) throws(FormatError) -> BytePairModel {
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            try require(try node.optionalString(key)?.isEmpty ?? true, key, node)
        }
        let dropout = try node.optionalDouble("dropout")
        try require(dropout == nil || dropout == 0, "dropout", node)
        let index = PieceIndex(spelled)
        var unknown = BytePairModel.Unknown()
        if let piece = try node.optionalString("unk_token") {
            unknown.token = index.number(of: Array(piece.utf8).span).map { Token($0) }
        }
        unknown.isFused = try node.optionalBool("fuse_unk") ?? false
        if try node.optionalBool("byte_fallback") ?? false { unknown.bytes = byteTokens(index) }
        let merger = try merges(node, spelled, index)
        let ignoresMerges = try node.optionalBool("ignore_merges") ?? false
        guard isByteLevel else {
            return BytePairModel(
                pieces: spelled, index: index, merger: merger, alphabet: .characters, unknown: unknown,
                ignoresMerges: ignoresMerges)
        }
        return BytePairModel(
            byteLevel: spelled, index: index, merger: merger, unknown: unknown, ignoresMerges: ignoresMerges)
    }

    private static func merges(
        _ node: JSONNode, _ spelled: ByteStrings, _ index: PieceIndex
    ) throws(FormatError) -> PairMerger {
        guard case .array(let values) = try node.node("merges").value else {
            throw try node.node("merges").expected("an array")
        }
        var builder = MergeBuilder(index, capacity: values.count)
        for (rank, value) in values.enumerated() {
            let isKnown: Bool
            switch value {
            case .string(let line): isKnown = builder.add(line, rank)
            case .array(let pair):
                guard pair.count == 2, case .string(let left) = pair[0], case .string(let right) = pair[1] else {
                    fallthrough
                }
                isKnown = builder.add(left, right, rank)
            default:
                throw FormatError(
                    .mismatch, node.location, "the field \(node.path).merges[\(rank)] must be two pieces")
            }
            guard isKnown else {
                throw FormatError(
                    .malformed, node.location,
                    "the field \(node.path).merges[\(rank)] must be two pieces of the vocabulary that make a third")
            }
        }
        return builder.merger
    }

    /// The tokens `<0x00>` to `<0xFF>`, -1 where there is none; nil where there are none at all.
    static func byteTokens(_ index: PieceIndex) -> [Token]? {
        let digits = Array("0123456789ABCDEF".utf8)
        let tokens = (0..<256).map { byte in
            let piece = Array("<0x".utf8) + [digits[byte / 16], digits[byte % 16], UInt8(ascii: ">")]
            return index.number(of: piece.span).map { Token($0) } ?? -1
        }
        return tokens.contains { $0 >= 0 } ? tokens : nil
    }

    // MARK: Unigram

    private static func unigram(_ node: JSONNode, _ spelled: ByteStrings) throws(FormatError) -> UnigramModel {
        guard case .array(let values) = try node.node("vocab").value else {
            throw try node.node("vocab").expected("an array of pieces and scores")
        }
        var scores: [Double] = []
        scores.reserveCapacity(spelled.count)
        for (id, value) in values.enumerated() {
            guard case .array(let pair) = value, pair.count == 2 else { continue }
            let score = try JSONNode(pair[1], location: node.location, path: "\(node.path).vocab[\(id)][1]").double()
            guard score.isFinite else {
                throw FormatError(
                    .malformed, node.location, "the field \(node.path).vocab[\(id)][1] must be a finite score")
            }
            scores.append(score)
        }
        let lowest = scores.min() ?? 0
        scores += Array(repeating: 0, count: max(0, spelled.count - scores.count))
        let unknown = try node.optionalInt("unk_id")
        if let unknown, !values.indices.contains(unknown) {
            throw try node.node("unk_id").expected("the place of a piece in model.vocab")
        }
        let fallsBack = try node.optionalBool("byte_fallback") ?? false
        return UnigramModel(
            pieces: spelled, scores: scores, lowest: lowest, unknown: unknown.map { Token($0) }, isFused: true,
            bytes: fallsBack ? byteTokens(PieceIndex(spelled)) : nil, precision: .double)
    }
}
