import DynamaxFormats
import DynamaxTensor

/// Reads a SentencePiece model, a protocol buffer message of pieces and settings (`sentencepiece_model.proto`).
struct SentencePieceModel {
    private let location: String
    private var vocabulary = ScoredVocabulary()
    // Settings and what they are where the file does not say.
    private var modelType = 1
    private var fallsBackToBytes = false
    private var treatsWhitespaceAsSuffix = false
    private var unknownSurface = Array(" \u{2047} ".utf8)
    private var charactersMap: [UInt8] = []
    private var addsDummyPrefix = true
    private var removesExtraWhitespace = true
    private var escapesWhitespace = true
    private var bosPiece = "<s>"
    private var eosPiece = "</s>"

    init(_ bytes: [UInt8], location: String) throws(FormatError) {
        self.location = location
        var reader = ProtobufReader(bytes[...], location: location)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: try readPiece(message(value))
            case 2: try readTrainer(message(value))
            case 3: try readNormalizer(message(value))
            default: break  // self-tests, denormalizer
            }
        }
        guard !vocabulary.pieces.isEmpty else { throw FormatError(.malformed, location, "the file holds no pieces") }
    }

    private func message(_ value: ProtobufReader.Value) throws(FormatError) -> ProtobufReader {
        guard let bytes = value.slice else { throw wrongField("a message") }
        return ProtobufReader(bytes, location: location)
    }

    private mutating func readPiece(_ reader: ProtobufReader) throws(FormatError) {
        var reader = reader
        var piece: [UInt8] = []
        var score: Float = 0
        var kind = ScoredVocabulary.Kind.normal
        while let (field, value) = try reader.next() {
            switch field {
            case 1:
                guard let bytes = value.slice, let text = String(validating: bytes, as: UTF8.self) else {
                    throw wrongField("a piece in UTF-8")
                }
                piece = Array(text.utf8)
            case 2:
                guard let number = value.float, number.isFinite else { throw wrongField("a finite score") }
                score = number
            case 3:
                guard let number = value.int, let known = ScoredVocabulary.Kind(rawValue: number) else {
                    throw wrongField("a type from 1 to 6")
                }
                kind = known
            default: break
            }
        }
        vocabulary.pieces.append(piece)
        vocabulary.scores.append(score)
        vocabulary.kinds.append(kind)
    }

    private mutating func readTrainer(_ reader: ProtobufReader) throws(FormatError) {
        var reader = reader
        while let (field, value) = try reader.next() {
            switch field {
            case 3: modelType = value.int ?? 0
            case 24: treatsWhitespaceAsSuffix = value.bool ?? false
            case 35: fallsBackToBytes = value.bool ?? false
            case 44: unknownSurface = Array(value.slice ?? [])
            case 46: bosPiece = String(decoding: value.slice ?? [], as: UTF8.self)
            case 47: eosPiece = String(decoding: value.slice ?? [], as: UTF8.self)
            default: break
            }
        }
    }

    private mutating func readNormalizer(_ reader: ProtobufReader) throws(FormatError) {
        var reader = reader
        while let (field, value) = try reader.next() {
            switch field {
            case 2: charactersMap = Array(value.slice ?? [])
            case 3: addsDummyPrefix = value.bool ?? true
            case 4: removesExtraWhitespace = value.bool ?? true
            case 5: escapesWhitespace = value.bool ?? true
            default: break
            }
        }
    }

    private func wrongField(_ expectation: String) -> FormatError {
        FormatError(
            .malformed, location,
            "piece \(vocabulary.pieces.count) of the SentencePiece model is damaged, expected \(expectation)")
    }

    /// What the model says of the tokenizer.
    ///
    /// - Parameters:
    ///   - addsBOS: whether texts begin with the token for it; nil where nothing is said: then where there is one.
    ///   - addsEOS: whether they end with the token for it.
    func parts(addsBOS: Bool? = nil, addsEOS: Bool = false) throws(FormatError) -> Tokenizer.Parts {
        var parts = Tokenizer.Parts(
            location: location, vocabulary: try vocabulary.vocabulary(location: location), model: try model())
        parts.normalizer = .sentencePiece(
            SentencePieceNormalizer(
                map: try map(), protected: userDefined, addsDummyPrefix: addsDummyPrefix,
                removesExtraWhitespace: removesExtraWhitespace, escapesWhitespace: escapesWhitespace,
                treatsWhitespaceAsSuffix: treatsWhitespaceAsSuffix))
        var decoder = Decoder(
            steps: [.replace(marker, by: [UInt8(ascii: " ")])], byteRuns: .byCharacter)
        if addsDummyPrefix || removesExtraWhitespace { decoder.start = .marker(repeats: removesExtraWhitespace) }
        parts.unknown = vocabulary.first(.unknown)
        if let unknown = parts.unknown { decoder.surfaces[unknown] = unknownSurface }
        parts.decoder = decoder
        for (number, kind) in vocabulary.kinds.enumerated() where kind == .control {
            parts.added.append(
                AddedTokens.Entry(id: Token(number), content: vocabulary.pieces[number], isSpecial: true))
        }
        parts.bos = control(bosPiece)
        if let eos = control(eosPiece) { parts.eos = [eos] }
        if let bos = parts.bos, addsBOS ?? true { parts.frame.prefix = [bos] }
        if let eos = parts.eos.first, addsEOS { parts.frame.suffix = [eos] }
        return parts
    }

    private func control(_ piece: String) -> Token? {
        vocabulary.token(piece).flatMap { vocabulary.kinds[Int($0)] == .control ? $0 : nil }
    }

    private var userDefined: PrefixTrie {
        var trie = PrefixTrie()
        for (number, kind) in vocabulary.kinds.enumerated() where kind == .userDefined {
            trie.insert(vocabulary.pieces[number], number)
        }
        return trie
    }

    private func map() throws(FormatError) -> CharacterMap? {
        if charactersMap.isEmpty { return nil }
        guard let map = CharacterMap(charactersMap) else {
            throw FormatError(.malformed, location, "the field normalizer_spec.precompiled_charsmap must be a table")
        }
        return map
    }

    private func model() throws(FormatError) -> TokenModel {
        let bytes = fallsBackToBytes ? vocabulary.byteTokens() : nil
        let unknown = vocabulary.first(.unknown)
        switch modelType {
        case 1: return .unigram(vocabulary.unigramModel(unknown: unknown, bytes: bytes))
        case 2:
            return .bytePair(
                vocabulary.bytePairModel(
                    unknown: BytePairModel.Unknown(token: unknown, isFused: true, bytes: bytes), fixed: userDefined))
        default:
            throw FormatError(
                .unsupported, location,
                "the field trainer_spec.model_type is \(modelType), expected 1 (unigram) or 2 (BPE)")
        }
    }
}
