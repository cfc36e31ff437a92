import DynamaxTensor

/// How pieces become text again.
struct Decoder: Sendable {
    /// A change of each piece.
    enum Step: Sendable {
        case replace([UInt8], by: [UInt8])
        /// Characters that stand for bytes become those bytes, where all of the piece's characters do.
        case byteLevel
        /// "##" joins a piece to the one before; other pieces are preceded by a space.
        case wordPiece(prefix: [UInt8], cleansUp: Bool)
    }

    /// What becomes of pieces such as `<0x0A>`, that stand for one byte.
    enum ByteRuns: Sendable {
        /// They are text like others.
        case none
        /// A run of them is one text; where it is not UTF-8, each byte becomes U+FFFD (`tokenizers`).
        case whole
        /// Of a run, each byte that is part of no character becomes U+FFFD (SentencePiece).
        case byCharacter
    }

    /// What is taken away at the start of the text.
    enum Start: Sendable {
        case nothing
        /// Up to so many times these bytes.
        case strip([UInt8], Int)
        /// All occurrences of these bytes in the first piece (Metaspace).
        case allInFirstPiece([UInt8])
        /// "▁" at the start of the first piece that is text, or, if `repeats`, of each until there is text (SentencePiece).
        case marker(repeats: Bool)
    }

    var steps: [Step] = []
    var byteRuns = ByteRuns.none
    var start = Start.nothing
    /// Bytes between pieces.
    var separator: [UInt8] = []
    /// Tokens that stand for a text of their own.
    var surfaces: [Token: [UInt8]] = [:]
    /// Whether added tokens are text as they are, untouched by the steps (llama.cpp).
    var addedAreVerbatim = false

    /// Whether single pieces need not be UTF-8, only their sequence.
    var isByteLevel: Bool {
        steps.contains { if case .byteLevel = $0 { true } else { false } }
    }

    /// Appends what a piece stands for.
    func render(
        _ piece: ArraySlice<UInt8>, isAdded: Bool, isFirst: Bool = false, into output: inout [UInt8]
    ) {
        if isAdded && addedAreVerbatim {
            output += piece
            return
        }
        if steps.count == 1, case .byteLevel = steps[0] {
            output += ByteLevel.bytes(of: piece) ?? Array(piece)
            return
        }
        var piece = Array(piece)
        for step in steps {
            switch step {
            case .replace(let literal, let content): piece = Decoder.replacing(literal, by: content, in: piece)
            case .byteLevel: piece = ByteLevel.bytes(of: piece) ?? piece
            case .wordPiece(let prefix, let cleansUp):
                if !isFirst {
                    if !prefix.isEmpty, piece.starts(with: prefix) {
                        piece.removeFirst(prefix.count)
                    } else {
                        piece.insert(UInt8(ascii: " "), at: 0)
                    }
                }
                if cleansUp { piece = Decoder.cleanedUp(piece) }
            }
        }
        output += piece
    }

    /// A piece without some bytes wherever they occur.
    static func removing(_ literal: [UInt8], from piece: ArraySlice<UInt8>) -> [UInt8] {
        replacing(literal, by: [], in: Array(piece))
    }

    private static func replacing(_ literal: [UInt8], by content: [UInt8], in piece: [UInt8]) -> [UInt8] {
        guard let head = literal.first, piece.contains(head) else { return piece }
        var result: [UInt8] = []
        let text = piece.span
        var position = 0
        while position < text.count {
            if text.has(literal, at: position) {
                result += content
                position += literal.count
            } else {
                result.append(text[position])
                position += 1
            }
        }
        return result
    }

    /// Removes the spaces that English does not have, as BERT's tokenizers do.
    private static func cleanedUp(_ piece: [UInt8]) -> [UInt8] {
        let rules = [
            (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
            (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
        ]
        return rules.reduce(piece) { replacing(Array($1.0.utf8), by: Array($1.1.utf8), in: $0) }
    }

    /// The byte that a piece such as `<0x0A>` stands for, or nil.
    static func byte(of piece: ArraySlice<UInt8>) -> UInt8? {
        guard piece.count == 6, piece.starts(with: "<0x".utf8), piece.last == UInt8(ascii: ">") else { return nil }
        return UInt8(String(decoding: piece.dropFirst(3).prefix(2), as: UTF8.self), radix: 16)
    }
}
