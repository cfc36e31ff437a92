public import DynamaxTensor

/// Turns tokens into text as they come, in parts that are whole characters.
///
///     var detokenizer = StreamingDetokenizer(tokenizer)
///     for await token in tokens { print(detokenizer.append(token), terminator: "") }
///     print(detokenizer.finish())
///
/// The parts joined are what `Tokenizer.decode` gives for all tokens: bytes that may still become a character are held
/// back until they have, and what can no longer become one is U+FFFD.
public struct StreamingDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecialTokens: Bool
    private var held: [UInt8] = []
    private var isFirst = true  // no token has been decoded
    private var isEmpty = true  // no text has come out
    private var sawMarker = false
    private var stripsLeft: Int

    /// Begins a text.
    public init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool = true) {
        self.tokenizer = tokenizer
        skipsSpecialTokens = skipSpecialTokens
        stripsLeft = if case .strip(_, let count) = tokenizer.decoder.start { count } else { 0 }
    }

    /// The text that a token adds, possibly none.
    ///
    /// A token outside the vocabulary (models pad theirs) has no text.
    public mutating func append(_ token: Token) -> String {
        var output: [UInt8] = []
        append(token, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// The text that was held back.
    public mutating func finish() -> String {
        var output: [UInt8] = []
        finish(into: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// Appends the bytes that a token adds; bytes that are not UTF-8 are to be repaired by the caller.
    mutating func append(_ token: Token, to output: inout [UInt8]) {
        guard let piece = tokenizer.vocabulary[token] else { return }
        let decoder = tokenizer.decoder
        if skipsSpecialTokens && tokenizer.isSpecial(token) {
            // In SentencePiece's eyes a control token parts the bytes around it even where it is not shown.
            if decoder.byteRuns == .byCharacter { finish(into: &output) }
            return
        }
        if !isFirst { held += decoder.separator }
        defer { isFirst = false }
        if decoder.isByteLevel {
            decoder.render(piece, isAdded: tokenizer.isAdded(token), isFirst: isFirst, into: &held)
            let end = incompleteTail(of: held.span)
            emit(held[..<end], to: &output)
            held.removeFirst(end)
            return
        }
        if decoder.byteRuns != .none, !tokenizer.isAdded(token) || decoder.byteRuns == .whole,
            let byte = Decoder.byte(of: piece)
        {
            held.append(byte)
            if decoder.byteRuns == .byCharacter { releaseCharacters(to: &output, isAtEnd: false) }
            return
        }
        finish(into: &output)
        render(piece, token, to: &output)
    }

    mutating func finish(into output: inout [UInt8]) {
        switch tokenizer.decoder.byteRuns {
        case .byCharacter: releaseCharacters(to: &output, isAtEnd: true)
        case .whole where !isSoundUTF8(held):
            for _ in held { emit(StreamingDetokenizer.replacement[...], to: &output) }
        case .whole, .none: emit(held[...], to: &output)
        }
        held.removeAll(keepingCapacity: true)
    }

    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    private mutating func render(_ piece: ArraySlice<UInt8>, _ token: Token, to output: inout [UInt8]) {
        let decoder = tokenizer.decoder
        let isAdded = tokenizer.isAdded(token)
        if let surface = decoder.surfaces[token] { return emit(surface[...], to: &output) }
        var rendered: [UInt8] = []
        switch decoder.start {
        case .allInFirstPiece(let bytes) where isFirst:
            decoder.render(Decoder.removing(bytes, from: piece)[...], isAdded: isAdded, isFirst: true, into: &rendered)
        case .marker(let repeats) where isEmpty && !isAdded && (repeats || !sawMarker):
            let hasMarker = piece.starts(with: marker)
            sawMarker = sawMarker || hasMarker
            decoder.render(hasMarker ? piece.dropFirst(3) : piece, isAdded: false, isFirst: isFirst, into: &rendered)
        default:
            decoder.render(piece, isAdded: isAdded, isFirst: isFirst, into: &rendered)
        }
        emit(rendered[...], to: &output)
    }

    /// Puts out the characters of a run of bytes, as far as they are complete.
    private mutating func releaseCharacters(to output: inout [UInt8], isAtEnd: Bool) {
        var start = 0
        while start < held.count {
            let length = needed(after: held[start])
            let rest = held[start..<min(held.count, start + length)]
            if isSoundUTF8(rest) {
                emit(rest, to: &output)
                start += length
            } else if !isAtEnd, rest.count < length, incompleteTail(of: Array(rest).span) == 0 {
                break
            } else {
                emit(StreamingDetokenizer.replacement[...], to: &output)
                start += 1
            }
        }
        held.removeFirst(start)
    }

    private func isSoundUTF8(_ bytes: some Collection<UInt8>) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }

    private mutating func emit(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) {
        var bytes = bytes
        if stripsLeft > 0, case .strip(let stripped, _) = tokenizer.decoder.start {
            while stripsLeft > 0, !bytes.isEmpty {
                guard bytes.starts(with: stripped) else {
                    stripsLeft = 0
                    break
                }
                bytes.removeFirst(stripped.count)
                stripsLeft -= 1
            }
        }
        if !bytes.isEmpty { isEmpty = false }
        output += bytes
    }
}
