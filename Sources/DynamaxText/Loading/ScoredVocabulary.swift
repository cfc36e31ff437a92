import DynamaxFormats
import DynamaxTensor

/// A vocabulary of pieces with scores and types, as SentencePiece models and GGUF files hold it.
struct ScoredVocabulary {
    /// What a piece is; the numbers are those of both formats.
    enum Kind: Int {
        case normal = 1
        case unknown = 2
        case control = 3
        case userDefined = 4
        case unused = 5
        case byte = 6
    }

    var pieces: [[UInt8]] = []
    var scores: [Float] = []
    var kinds: [Kind] = []

    /// The pieces that text can be made of; the others are empty.
    ///
    /// Unused pieces are left out altogether.
    func textPieces(_ wanted: [Kind]) -> ByteStrings {
        var strings = ByteStrings(capacity: pieces.count, bytes: 8 * pieces.count)
        for (piece, kind) in zip(pieces, kinds) { strings.append(wanted.contains(kind) ? piece : []) }
        return strings
    }

    /// All pieces by number.
    func vocabulary(location: String) throws(FormatError) -> Vocabulary {
        try Vocabulary(pieces.enumerated().map { ($1, $0) }, location: location)
    }

    /// The first token of a kind.
    func first(_ kind: Kind) -> Token? { kinds.firstIndex(of: kind).map { Token($0) } }

    /// The token of a piece, or nil.
    func token(_ piece: String) -> Token? {
        let bytes = Array(piece.utf8)
        return pieces.firstIndex(of: bytes).map { Token($0) }
    }

    /// The tokens of the 256 bytes, -1 where there is none; nil where there are none at all.
    func byteTokens() -> [Token]? {
        var tokens = [Token](repeating: -1, count: 256)
        for (number, piece) in pieces.enumerated() where kinds[number] == .byte {
            if let byte = Decoder.byte(of: piece[...]) { tokens[Int(byte)] = Token(number) }
        }
        return tokens.contains { $0 >= 0 } ? tokens : nil
    }

    // MARK: Models

    /// Byte-pair encoding by scores: of all neighbours that make a piece, those that make the best one are joined first.
    ///
    /// - Parameter fixed: pieces that are found before all joining.
    func bytePairModel(unknown: BytePairModel.Unknown, fixed: PrefixTrie = PrefixTrie()) -> BytePairModel {
        let spelled = textPieces([.normal, .userDefined])
        let index = PieceIndex(spelled)
        let extra = ScoredVocabulary.charactersWithin(spelled, besides: index)
        let extraIndex = PieceIndex(extra)
        var merger = PairMerger(capacity: 2 * spelled.count)
        let ranks = ranks()
        let buffer = spelled.buffer.span
        for number in 0..<spelled.count {
            let piece = buffer.extracting(spelled.range(number))
            guard piece.count <= ScoredVocabulary.longestJoined else { continue }
            var cut = piece.isEmpty ? 0 : scalar(in: piece, at: 0).count
            while cut < piece.count {
                let next = cut + scalar(in: piece, at: cut).count
                if let left = ScoredVocabulary.symbol(piece.extracting(0..<cut), index, extraIndex, spelled.count),
                    let right = ScoredVocabulary.symbol(
                        piece.extracting(cut..<piece.count), index, extraIndex, spelled.count)
                {
                    merger.set(left, right, rank: ranks[number], joined: UInt32(number))
                }
                cut = next
            }
        }
        return BytePairModel(
            pieces: spelled, index: index, merger: merger, alphabet: .characters, unknown: unknown,
            ignoresMerges: false,
            extraCharacters: extra, fixed: fixed)
    }

    /// Longer pieces are never joined; none occur, and their halves would be too many.
    private static let longestJoined = 1024

    /// The number of a piece, or that of a character that is none, after the pieces.
    private static func symbol(
        _ text: Span<UInt8>, _ index: PieceIndex, _ extra: PieceIndex, _ count: Int
    ) -> UInt32? {
        if let piece = index.number(of: text) { return UInt32(piece) }
        return extra.number(of: text).map { UInt32(count + $0) }
    }

    /// The characters of pieces that are no pieces themselves.
    private static func charactersWithin(_ pieces: ByteStrings, besides index: PieceIndex) -> ByteStrings {
        var found = ByteStrings()
        var known = Set<[UInt8]>()
        let buffer = pieces.buffer.span
        for number in 0..<pieces.count {
            let piece = buffer.extracting(pieces.range(number))
            var position = 0
            while position < piece.count {
                let end = position + scalar(in: piece, at: position).count
                let character = piece.extracting(position..<end)
                if index.number(of: character) == nil {
                    let bytes = Array(pieces[number].dropFirst(position).prefix(end - position))
                    if known.insert(bytes).inserted { found.append(bytes) }
                }
                position = end
            }
        }
        return found
    }

    /// The place of each piece's score among all, the greatest first; equal scores have equal places.
    private func ranks() -> [UInt32] {
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        var ranks = [UInt32](repeating: 0, count: scores.count)
        var rank: UInt32 = 0
        for (place, number) in order.enumerated() {
            if place > 0, scores[order[place - 1]] != scores[number] { rank += 1 }
            ranks[number] = rank
        }
        return ranks
    }

    /// The unigram model of SentencePiece.
    func unigramModel(unknown: Token?, bytes: [Token]?) -> UnigramModel {
        var values = scores.map { Double($0) }
        let normal = scores.indices.filter { kinds[$0] == .normal }.map { scores[$0] }
        let lowest = normal.min() ?? 0
        let greatest = normal.max() ?? 0
        // A user-defined piece beats every other way to write it.
        for number in scores.indices where kinds[number] == .userDefined {
            values[number] = Double(Float(pieces[number].count) * greatest - 0.1)
        }
        return UnigramModel(
            pieces: textPieces([.normal, .userDefined]), scores: values, lowest: Double(lowest), unknown: unknown,
            isFused: true, bytes: bytes, precision: .single)
    }
}
