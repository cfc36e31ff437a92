import ArgumentParser
import DynamaxBundledModels
import DynamaxFormats
import DynamaxTensor
import DynamaxText

struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Splits a text into tokens.")

    @Option(name: .shortAndLong, help: "A model, as for generate, whose tokenizer to use.")
    var model: String?

    @Option(help: "A tokenizer.json, SentencePiece .model or .gguf file.")
    var tokenizer: String?

    @Argument(help: "The text; standard input without it.")
    var text: String?

    @Flag(help: "Leave out the special tokens that begin or end a text.")
    var noSpecial = false

    @Flag(help: "Print one JSON object with the numbers and pieces.")
    var json = false

    func validate() throws {
        guard model == nil || tokenizer == nil else {
            throw ValidationError("give a model with -m or a tokenizer with --tokenizer, and not both")
        }
    }

    private struct Report: Encodable {
        let ids: [Token]
        let tokens: [String]
    }

    func run() throws {
        let loaded =
            try tokenizer.map { try Tokenizer(at: $0) }
            ?? Tokenizer(CheckpointFiles(named: model ?? BundledModel.standard.rawValue))
        let ids = try loaded.encode(text ?? standardInputText(), addSpecialTokens: !noSpecial)
        if json {
            try printJSON(Report(ids: ids, tokens: try ids.map(loaded.piece)))
        } else {
            try write(ids.map(String.init).joined(separator: " ") + "\n")
        }
    }
}
