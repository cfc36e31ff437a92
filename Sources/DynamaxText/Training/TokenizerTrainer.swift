public import DynamaxFormats

/// Learns a vocabulary from text.
///
///     var trainer = TokenizerTrainer(.init(kind: .byteLevel(.gpt2), vocabularySize: 4096))
///     for story in stories { trainer.add(story) }
///     let vocabulary = trainer.train()
///     try vocabulary.write(toFolder: "model")
///
/// Text is cut into words by the very pre-tokenizer that the tokenizer will have; distinct words are counted, and merges
/// are learned from the counts. The same text in the same order gives the same file. Memory grows with the distinct words.
public struct TokenizerTrainer {
    /// What kind of vocabulary it is to be.
    public enum Kind: Hashable, Sendable {
        /// Pieces are byte sequences; all text can be spelled. As GPT-2 and Llama 3 have them.
        case byteLevel(WordPattern)
        /// Pieces are character sequences with "▁" for a space, and 256 pieces for the bytes of characters that have none. As
        /// Llama 2 and Mistral have them.
        ///
        /// - Parameter coverage: the share of all characters in the text that have pieces of their own; 0.9995 is usual.
        case sentencePiece(coverage: Double, splitsDigits: Bool)
    }

    /// Which words a byte-level vocabulary knows.
    public enum WordPattern: String, Hashable, Sendable, CaseIterable {
        /// Runs of letters, of digits or of other characters, each with the space before it.
        case gpt2
        /// As Llama 3 and GPT-4 cut: numbers in groups of at most three digits.
        case llama3
        /// As Qwen 2 and 3 cut: each digit alone.
        case qwen2
    }

    /// What is to be learned.
    public struct Settings: Hashable, Sendable {
        /// The kind of vocabulary.
        public var kind: Kind
        /// Pieces in all, special tokens included; there are fewer where the text gives no more.
        public var vocabularySize: Int
        /// Pairs that occur less often are not merged.
        public var minimumCount = 2
        /// Characters, or bytes in byte-level vocabularies, of the longest piece.
        public var longestPiece = 16
        /// Control tokens; they come first in the vocabulary, in this order.
        public var specialTokens: [String]
        /// The one of them that begins a text; it is put before each.
        public var bos: String?
        /// The one of them that ends a text; it is not put after each.
        public var eos: String?

        /// Takes the settings; by default the control tokens are those of Llama 3 or, with SentencePiece, of Llama 2.
        public init(kind: Kind, vocabularySize: Int) {
            self.kind = kind
            self.vocabularySize = vocabularySize
            switch kind {
            case .byteLevel:
                specialTokens = ["<|begin_of_text|>", "<|end_of_text|>"]
                (bos, eos) = (specialTokens[0], specialTokens[1])
            case .sentencePiece:
                specialTokens = ["<unk>", "<s>", "</s>"]
                (bos, eos) = ("<s>", "</s>")
            }
        }

        /// What is wrong with the settings, as a sentence; nil if nothing is.
        public var problem: String? {
            let least = specialTokens.count + 256 + 1
            if !(least...1 << 22).contains(vocabularySize) {
                return "the vocabulary must have \(least) to \(1 << 22) pieces, not \(vocabularySize)"
            }
            if minimumCount < 1 { return "the minimum count must be 1 or more, not \(minimumCount)" }
            if longestPiece < 2 { return "the longest piece must be 2 or more, not \(longestPiece)" }
            if case .sentencePiece(let coverage, _) = kind {
                if !(coverage > 0 && coverage <= 1) {
                    return "the coverage must lie above 0 and at most at 1, not \(coverage)"
                }
                if specialTokens.first != "<unk>" { return "the first special token must be <unk>" }
            }
            var seen: Set<[UInt8]> = []
            for token in specialTokens where token.utf8.count < 3 || !seen.insert(Array(token.utf8)).inserted {
                return "special tokens must differ and have three bytes or more, which \"\(token)\" does not"
            }
            for token in [bos, eos].compactMap({ $0 }) where !specialTokens.contains(token) {
                return "\(token) must be among the special tokens"
            }
            return nil
        }
    }

    /// What is to be learned.
    public let settings: Settings
    private let form: TokenizerForm
    private let preTokenizer: PreTokenizer
    private var counts = WordCounts()

    /// Begins; the settings must have no `problem`.
    public init(_ settings: Settings) {
        precondition(settings.problem == nil, settings.problem ?? "")
        self.settings = settings
        form = TokenizerForm(settings)
        preTokenizer = form.trainingPreTokenizer
    }

    /// Distinct words so far.
    public var distinctWords: Int { counts.counts.count }

    /// Counts the words of a text.
    public mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            switch settings.kind {
            case .byteLevel: count(Span(_unsafeElements: bytes))
            case .sentencePiece:
                // SentencePiece learns from lines, so that newlines are no part of words.
                for line in bytes.split(separator: UInt8(ascii: "\n")) {
                    count(Span(_unsafeElements: UnsafeBufferPointer(rebasing: line)))
                }
            }
        }
    }

    private mutating func count(_ text: Span<UInt8>) {
        preTokenizer.forEachWord(in: text, isAtStart: true) { counts.add($0) }
    }

    /// Learns the vocabulary.
    public func train() -> TrainedVocabulary {
        let alphabet = form.alphabet(of: counts)
        var learner = MergeLearner(alphabet: alphabet.pieces)
        for (number, count) in counts.counts.enumerated() {
            alphabet.forEachStretch(of: counts.words[number]) { learner.add($0, count: count) }
        }
        let reserved = form.reservedPieces.count
        let longest = settings.longestPiece
        learner.learn(upTo: settings.vocabularySize - reserved, minimumCount: settings.minimumCount) { piece in
            switch settings.kind {
            case .byteLevel: piece.count <= longest
            case .sentencePiece: piece.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) } <= longest
            }
        }
        return TrainedVocabulary(
            json: form.json(pieces: learner.pieces, merges: learner.merges), bos: settings.bos, eos: settings.eos,
            pieceCount: reserved + learner.pieces.count, mergeCount: learner.merges.count)
    }
}

/// A vocabulary that has been learned.
public struct TrainedVocabulary: Sendable {
    /// The contents of tokenizer.json.
    public let json: JSON
    /// The token that begins a text.
    public let bos: String?
    /// The token that ends a text.
    public let eos: String?
    /// Pieces in all.
    public let pieceCount: Int
    /// Merges learned.
    public let mergeCount: Int

    /// Writes tokenizer.json and tokenizer_config.json into a folder that is there.
    public func write(toFolder folder: String) throws(FormatError) {
        try FileOutput.replace("\(folder)/tokenizer.json", with: Array(json.description.utf8))
        var config: JSONObject = ["tokenizer_class": "PreTrainedTokenizerFast"]
        if let bos { config.set("bos_token", .string(bos)) }
        if let eos { config.set("eos_token", .string(eos)) }
        config.set("clean_up_tokenization_spaces", false)
        try FileOutput.replace("\(folder)/tokenizer_config.json", with: Array(JSON.object(config).description.utf8))
    }
}
