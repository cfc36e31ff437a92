import DynamaxTensor

/// Byte-pair encoding (Sennrich et al. 2016) of single words, over bytes or over characters.
///
/// Reference: the `BPE` model of `tokenizers`, and for models in the manner of SentencePiece its `bpe_model.cc`.
struct BytePairModel: Sendable {
    /// What the symbols are that merging starts from.
    enum Alphabet: Sendable {
        /// The bytes of the text; the symbol of each, or `PairMerger.unknown`.
        case bytes([UInt32])
        /// The characters of the text, looked up among the pieces.
        case characters
    }

    /// How characters are treated that have no symbol.
    struct Unknown: Sendable {
        /// The token that stands for them; without one they are left out.
        var token: Token?
        /// Whether neighbouring ones become one token.
        var isFused = false
        /// The tokens of the 256 bytes, where such characters are spelled in bytes; -1 where a byte has none.
        var bytes: [Token]?

        /// Whether all bytes of a character have tokens.
        @inline(__always) func spells(_ character: Span<UInt8>) -> Bool {
            guard let bytes else { return false }
            for i in character.indices where bytes[Int(character[i])] < 0 { return false }
            return true
        }
    }

    private let index: PieceIndex
    private let merger: PairMerger
    private let alphabet: Alphabet
    private let unknown: Unknown
    private let ignoresMerges: Bool
    // Characters that are no piece but part of one: their symbols follow those of the pieces.
    private let extraCharacters: PieceIndex?
    private let pieceCount: Int
    // Pieces that are never merged and found before all else (SentencePiece's user-defined symbols).
    private let fixed: PrefixTrie
    // Whether no piece holds "▁" after another character: then each "▁" begins a word of its own.
    private let cutsAtMarkers: Bool

    /// What is kept from word to word of a text.
    struct Workspace {
        fileprivate var symbols: [UInt32] = []
        fileprivate var merging = PairMerger.Workspace()
        // Of each piece, whether merging its text gives the piece itself, as far as it has been asked for.
        private var verdicts: [Verdict] = []
        fileprivate let remembers: Bool

        /// - Parameter length: bytes of the text. For short ones it does not pay to remember.
        init(length: Int) { remembers = length >= 2048 }

        fileprivate mutating func verdict(on piece: Int, of count: Int) -> Verdict {
            if verdicts.isEmpty { verdicts = Array(repeating: .open, count: count) }
            return verdicts[piece]
        }

        fileprivate mutating func decide(_ piece: Int, _ isMerged: Bool) {
            if verdicts[piece] == .open { verdicts[piece] = isMerged ? .merged : .other }
        }
    }

    fileprivate enum Verdict: UInt8 { case open, merged, other }

    /// Makes a model.
    ///
    /// - Parameters:
    ///   - pieces: what each token stands for in normalized text; empty where it cannot occur there.
    ///   - ignoresMerges: whether a word that is a piece is taken whole.
    init(
        pieces: ByteStrings, index: PieceIndex, merger: PairMerger, alphabet: Alphabet, unknown: Unknown,
        ignoresMerges: Bool, extraCharacters: ByteStrings? = nil, fixed: PrefixTrie = PrefixTrie()
    ) {
        self.index = index
        self.merger = merger
        self.alphabet = alphabet
        self.unknown = unknown
        self.fixed = fixed
        self.extraCharacters = extraCharacters.map { PieceIndex($0) }
        pieceCount = pieces.count
        self.ignoresMerges = ignoresMerges
        if !ignoresMerges, case .characters = alphabet, index.number(of: marker.span) != nil {
            cutsAtMarkers = BytePairModel.markersBeginPieces(pieces)
        } else {
            cutsAtMarkers = false
        }
    }

    /// Appends the tokens of a word.
    func encode(_ word: Span<UInt8>, into tokens: inout [Token], _ workspace: inout Workspace) {
        let start = tokens.count
        if !fixed.isEmpty {
            encodeAroundFixed(word, into: &tokens, start, &workspace)
        } else if cutsAtMarkers {
            encodeAtMarkers(word, into: &tokens, start, &workspace)
        } else {
            encodeWord(word, into: &tokens, start, &workspace)
        }
    }

    private func encodeAroundFixed(
        _ word: Span<UInt8>, into tokens: inout [Token], _ start: Int, _ workspace: inout Workspace
    ) {
        var begin = 0
        var position = 0
        while position < word.count {
            if let found = fixed.longest(in: word, at: position) {
                encodeAtMarkers(word.extracting(begin..<position), into: &tokens, start, &workspace)
                tokens.append(Token(truncatingIfNeeded: found.number))
                position = found.end
                begin = position
            } else {
                position += scalar(in: word, at: position).count
            }
        }
        encodeAtMarkers(word.extracting(begin..<word.count), into: &tokens, start, &workspace)
    }

    private func encodeAtMarkers(
        _ word: Span<UInt8>, into tokens: inout [Token], _ start: Int, _ workspace: inout Workspace
    ) {
        guard cutsAtMarkers else { return encodeWord(word, into: &tokens, start, &workspace) }
        var begin = 0
        var afterMarker = true
        var position = 0
        while position < word.count {
            if isMarker(word, at: position) {
                if !afterMarker {
                    encodeWord(word.extracting(begin..<position), into: &tokens, start, &workspace)
                    begin = position
                }
                afterMarker = true
                position += 3
            } else {
                afterMarker = false
                position += 1
            }
        }
        encodeWord(word.extracting(begin..<word.count), into: &tokens, start, &workspace)
    }

    @inline(__always)
    private func encodeWord(
        _ word: Span<UInt8>, into tokens: inout [Token], _ start: Int, _ workspace: inout Workspace
    ) {
        if word.isEmpty { return }
        // Most words of a text are pieces that their merges lead to; for those one look is enough.
        guard ignoresMerges || workspace.remembers, let whole = index.number(of: word) else {
            return encodeByMerging(word, into: &tokens, start, &workspace)
        }
        if ignoresMerges || workspace.verdict(on: whole, of: pieceCount) == .merged {
            return tokens.append(Token(truncatingIfNeeded: whole))
        }
        let count = tokens.count
        encodeByMerging(word, into: &tokens, start, &workspace)
        workspace.decide(whole, tokens.count == count + 1 && tokens[count] == whole)
    }

    private func encodeByMerging(
        _ word: Span<UInt8>, into tokens: inout [Token], _ start: Int, _ workspace: inout Workspace
    ) {
        workspace.symbols.removeAll(keepingCapacity: true)
        appendSymbols(of: word, to: &workspace.symbols)
        merger.merge(&workspace.symbols, from: 0, &workspace.merging)
        for symbol in workspace.symbols {
            if symbol < pieceCount {
                tokens.append(Token(truncatingIfNeeded: symbol))
            } else {
                appendUnknown(symbol, to: &tokens, start)
            }
        }
    }

    // MARK: Symbols

    private func appendSymbols(of word: Span<UInt8>, to symbols: inout [UInt32]) {
        switch alphabet {
        case .bytes(let table):
            for i in word.indices { symbols.append(table[Int(word[i])]) }
        case .characters:
            var position = 0
            while position < word.count {
                let character = word.extracting(position..<position + scalar(in: word, at: position).count)
                position += character.count
                if let known = index.number(of: character) {
                    symbols.append(UInt32(truncatingIfNeeded: known))
                } else if let extra = extraCharacters?.number(of: character) {
                    symbols.append(UInt32(truncatingIfNeeded: pieceCount + extra))
                } else if unknown.spells(character), let bytes = unknown.bytes {
                    for i in character.indices { symbols.append(UInt32(bitPattern: bytes[Int(character[i])])) }
                } else {
                    symbols.append(PairMerger.unknown)
                }
            }
        }
    }

    private func appendUnknown(_ symbol: UInt32, to tokens: inout [Token], _ start: Int) {
        if symbol != PairMerger.unknown, let bytes = unknown.bytes, let character = extraCharacter(symbol),
            unknown.spells(character.span)
        {
            for byte in character { tokens.append(bytes[Int(byte)]) }
        } else if let token = unknown.token {
            if !unknown.isFused || tokens.count == start || tokens.last != token { tokens.append(token) }
        }
    }

    private func extraCharacter(_ symbol: UInt32) -> ArraySlice<UInt8>? {
        extraCharacters?.strings[Int(symbol) - pieceCount]
    }

    private static func markersBeginPieces(_ pieces: ByteStrings) -> Bool {
        let buffer = pieces.buffer.span
        for number in 0..<pieces.count {
            let piece = buffer.extracting(pieces.range(number))
            var afterMarker = true
            var position = 0
            while position < piece.count {
                let found = isMarker(piece, at: position)
                if found && !afterMarker { return false }
                afterMarker = found
                position += found ? 3 : 1
            }
        }
        return true
    }
}

/// What SentencePiece writes for a space: "▁", U+2581.
let marker: [UInt8] = [0xE2, 0x96, 0x81]

/// Whether "▁" stands at a place.
@inline(__always) func isMarker(_ text: Span<UInt8>, at index: Int) -> Bool {
    text[index] == 0xE2 && index + 2 < text.count && text[index + 1] == 0x96 && text[index + 2] == 0x81
}
