import ArgumentParser
import DynamaxFormats
import DynamaxText
import DynamaxTraining
import Foundation

/// Kinds of vocabularies, as users name them.
enum VocabularyKind: String, CaseIterable, ExpressibleByArgument {
    case gpt2, llama3, qwen2, sentencepiece

    func settings(size: Int, coverage: Double) -> TokenizerTrainer.Settings {
        switch self {
        case .gpt2: .init(kind: .byteLevel(.gpt2), vocabularySize: size)
        case .llama3: .init(kind: .byteLevel(.llama3), vocabularySize: size)
        case .qwen2: .init(kind: .byteLevel(.qwen2), vocabularySize: size)
        case .sentencepiece:
            .init(kind: .sentencePiece(coverage: coverage, splitsDigits: true), vocabularySize: size)
        }
    }
}

struct TrainTokenizer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenizer",
        abstract: "Learns a vocabulary from text, and writes tokenizer.json and tokenizer_config.json.")

    @Argument(help: "Text files, or folders of .txt files.")
    var texts: [String]

    @Option(name: .shortAndLong, help: "The folder to write to; made where it is missing.")
    var output: String

    @Option(help: "Pieces of the vocabulary, special tokens included.")
    var vocabulary = 4096

    @Option(
        help: ArgumentHelp(
            "How text is cut into words: byte-level as gpt2, llama3 or qwen2, or sentencepiece with byte fallback.",
            valueName: "kind"))
    var kind = VocabularyKind.llama3

    @Option(help: "What stands between documents in a file; each file is one document without it.")
    var separator: String?

    @Option(help: "With sentencepiece, the share of all characters that get pieces of their own.")
    var coverage = 0.9995

    @Option(help: "Pairs that occur less often are not merged.")
    var minimumCount = 2

    func validate() throws {
        if let problem = settings.problem { throw ValidationError(problem) }
    }

    private var settings: TokenizerTrainer.Settings {
        var settings = kind.settings(size: vocabulary, coverage: coverage)
        settings.minimumCount = minimumCount
        return settings
    }

    func run() throws {
        let start = ContinuousClock.now
        var trainer = TokenizerTrainer(settings)
        var bytes = 0
        for path in texts {
            try Documents(path: path, separator: separator).forEach { text in
                trainer.add(text)
                bytes += text.utf8.count
            }
        }
        let counted = ContinuousClock.now
        let learned = trainer.train()
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        try learned.write(toFolder: output)
        note(
            String(
                format: "%d bytes, %d distinct words counted in %.1f s; %d pieces, %d merges learned in %.1f s", bytes,
                trainer.distinctWords, start.duration(to: counted).seconds, learned.pieceCount, learned.mergeCount,
                counted.duration(to: .now).seconds))
    }
}
