import DynamaxFormats

/// How a kind of vocabulary is written in tokenizer.json.
struct TokenizerForm {
    private let settings: TokenizerTrainer.Settings

    init(_ settings: TokenizerTrainer.Settings) {
        self.settings = settings
    }

    // MARK: Words

    /// What cuts text into words while they are counted.
    var trainingPreTokenizer: PreTokenizer {
        switch settings.kind {
        case .byteLevel(let pattern): PreTokenizer(steps: [.words(pattern.scanner)])
        case .sentencePiece(_, let splitsDigits):
            PreTokenizer(
                steps: [
                    .metaspace(.init(replacement: marker, prepending: .always, splits: true))
                ] + (splitsDigits ? [.split(Splitter(target: .numbers, behavior: .isolated))] : []))
        }
    }

    // MARK: Pieces

    /// Pieces that are not made of others: control tokens and, with SentencePiece, bytes.
    var reservedPieces: [String] {
        switch settings.kind {
        case .byteLevel: settings.specialTokens
        case .sentencePiece: settings.specialTokens + (0..<256).map { TokenizerForm.bytePiece(UInt8($0)) }
        }
    }

    private static func bytePiece(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.count < 2 ? "<0x0\(digits)>" : "<0x\(digits)>"
    }

    /// The first pieces to merge: all bytes in the order of the characters that spell them, or the characters of the text.
    func alphabet(of counts: WordCounts) -> Alphabet {
        guard case .sentencePiece(let coverage, _) = settings.kind else {
            let bytes = (0...255).map { UInt8($0) }
            return Alphabet(
                pieces: bytes.sorted { ByteLevel.character(of: $0) < ByteLevel.character(of: $1) }.map { [$0] },
                isBytes: true)
        }
        var occurrences: [UInt32: Int] = [:]
        let buffer = counts.words.buffer.span
        for (number, count) in counts.counts.enumerated() {
            var position = counts.words.range(number).lowerBound
            while position < counts.words.range(number).upperBound {
                let found = scalar(in: buffer, at: position)
                occurrences[found.value, default: 0] += count
                position += found.count
            }
        }
        let ranked = occurrences.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let wanted = coverage * Double(ranked.reduce(0) { $0 + $1.value })
        var covered = 0
        var kept: [UInt32] = []
        for (character, count) in ranked where Double(covered) < wanted {
            covered += count
            kept.append(character)
        }
        // The alphabet takes half of the room at most.
        let room = (settings.vocabularySize - reservedPieces.count + 1) / 2
        let characters = kept.prefix(room).sorted()
        return Alphabet(
            pieces: characters.map { character in
                var bytes: [UInt8] = []
                bytes.append(scalar: character)
                return bytes
            }, isBytes: false)
    }

    /// The symbols that words are made of.
    struct Alphabet {
        let pieces: [[UInt8]]
        private let isBytes: Bool
        private let numbers: [UInt32: UInt32]

        init(pieces: [[UInt8]], isBytes: Bool) {
            self.pieces = pieces
            self.isBytes = isBytes
            var numbers: [UInt32: UInt32] = [:]
            for (number, piece) in pieces.enumerated() {
                numbers[isBytes ? UInt32(piece[0]) : scalar(in: piece.span, at: 0).value] = UInt32(number)
            }
            self.numbers = numbers
        }

        /// Calls `body` with the symbols of each part of a word that lies between characters without a symbol.
        func forEachStretch(of word: ArraySlice<UInt8>, _ body: ([UInt32]) -> Void) {
            let bytes = Array(word)
            var symbols: [UInt32] = []
            var position = 0
            while position < bytes.count {
                let found =
                    isBytes ? (value: UInt32(bytes[position]), count: 1) : scalar(in: bytes.span, at: position)
                position += found.count
                if let symbol = numbers[found.value] {
                    symbols.append(symbol)
                } else {
                    body(symbols)
                    symbols.removeAll()
                }
            }
            body(symbols)
        }
    }

    // MARK: JSON

    /// The contents of tokenizer.json.
    func json(pieces: [[UInt8]], merges: [MergeLearner.Merge]) -> JSON {
        let spelled = pieces.map(spell)
        var vocabulary = JSONObject()
        for (number, piece) in (reservedPieces + spelled).enumerated() { vocabulary.set(piece, .integer(number)) }
        return [
            "version": "1.0", "truncation": .null, "padding": .null, "added_tokens": addedTokens,
            "normalizer": normalizer, "pre_tokenizer": preTokenizer, "post_processor": postProcessor,
            "decoder": decoder,
            "model": [
                "type": "BPE", "dropout": .null, "unk_token": isSentencePiece ? "<unk>" : .null,
                "continuing_subword_prefix": .null, "end_of_word_suffix": .null, "fuse_unk": .bool(isSentencePiece),
                "byte_fallback": .bool(isSentencePiece), "ignore_merges": false, "vocab": .object(vocabulary),
                "merges": .array(merges.map { .string("\(spelled[Int($0.left)]) \(spelled[Int($0.right)])") }),
            ],
        ]
    }

    private var isSentencePiece: Bool {
        if case .sentencePiece = settings.kind { true } else { false }
    }

    private func spell(_ piece: [UInt8]) -> String {
        guard !isSentencePiece else { return String(decoding: piece, as: UTF8.self) }
        var spelling: [UInt8] = []
        for byte in piece { spelling.append(scalar: ByteLevel.character(of: byte)) }
        return String(decoding: spelling, as: UTF8.self)
    }

    private var addedTokens: JSON {
        .array(
            settings.specialTokens.enumerated().map { number, token in
                [
                    "id": .integer(number), "content": .string(token), "single_word": false, "lstrip": false,
                    "rstrip": false, "normalized": false, "special": true,
                ]
            })
    }

    private var normalizer: JSON {
        guard isSentencePiece else { return .null }
        return [
            "type": "Sequence",
            "normalizers": [
                ["type": "Prepend", "prepend": "▁"],
                ["type": "Replace", "pattern": ["String": " "], "content": "▁"],
            ],
        ]
    }

    private var preTokenizer: JSON {
        guard case .byteLevel(let pattern) = settings.kind else { return .null }
        func byteLevel(usesExpression: Bool) -> JSON {
            [
                "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                "use_regex": .bool(usesExpression),
            ]
        }
        guard let expression = pattern.expression else { return byteLevel(usesExpression: true) }
        return [
            "type": "Sequence",
            "pretokenizers": [
                [
                    "type": "Split", "pattern": ["Regex": .string(expression)], "behavior": "Isolated", "invert": false,
                ], byteLevel(usesExpression: false),
            ],
        ]
    }

    private var postProcessor: JSON {
        guard let bos = settings.bos, let number = settings.specialTokens.firstIndex(of: bos) else { return .null }
        func text(_ name: String) -> JSON { ["Sequence": ["id": .string(name), "type_id": 0]] }
        let begin: JSON = ["SpecialToken": ["id": .string(bos), "type_id": 0]]
        var token = JSONObject()
        token.set(bos, ["id": .string(bos), "ids": [.integer(number)], "tokens": [.string(bos)]])
        return [
            "type": "TemplateProcessing", "single": [begin, text("A")], "pair": [begin, text("A"), begin, text("B")],
            "special_tokens": .object(token),
        ]
    }

    private var decoder: JSON {
        guard isSentencePiece else {
            return ["type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true]
        }
        return [
            "type": "Sequence",
            "decoders": [
                ["type": "Replace", "pattern": ["String": "▁"], "content": " "], ["type": "ByteFallback"],
                ["type": "Fuse"], ["type": "Strip", "content": " ", "start": 1, "stop": 0],
            ],
        ]
    }
}

extension TokenizerTrainer.WordPattern {
    fileprivate var scanner: WordScanner {
        switch self {
        case .gpt2: .gpt2
        case .llama3: .cl100k(digits: 3, foldsLongS: true)
        case .qwen2: .cl100k(digits: 1, foldsLongS: true)
        }
    }

    /// The expression that cuts so; nil where ByteLevel has it built in.
    fileprivate var expression: String? {
        switch self {
        case .gpt2: nil
        case .llama3: TokenizerTrainer.WordPattern.expression(numbers: #"\p{N}{1,3}"#)
        case .qwen2: TokenizerTrainer.WordPattern.expression(numbers: #"\p{N}"#)
        }
    }

    private static func expression(numbers: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + numbers
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }
}
