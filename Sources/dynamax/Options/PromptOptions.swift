import ArgumentParser
import DynamaxFormats
import DynamaxTensor
import DynamaxText
import Foundation

/// The input of a model: text, or token numbers for models without a tokenizer.
struct PromptOptions: ParsableArguments {
    @Argument(help: "The text to continue; standard input without it.")
    var prompt: String?

    @Option(name: .customLong("tokens"), help: "Token numbers instead of text, separated by commas.")
    var list: TokenList?

    func validate() throws {
        guard prompt == nil || list == nil else {
            throw ValidationError("give a prompt or --tokens, and not both")
        }
    }

    /// The tokens of the prompt, special ones included.
    func tokens(_ files: CheckpointFiles) throws -> [Token] {
        if let list { return list.tokens }
        return try tokens(Tokenizer(files))
    }

    /// The tokens of the prompt, by a tokenizer that is at hand.
    func tokens(_ tokenizer: Tokenizer) throws -> [Token] {
        if let list { return list.tokens }
        return try tokenizer.encode(prompt ?? standardInputText())
    }
}

extension Tokenizer {
    /// The tokenizer that belongs to a model.
    convenience init(_ files: CheckpointFiles) throws {
        try self.init(at: files.gguf?.location ?? files.folder)
    }
}

/// The text on standard input.
func standardInputText() throws -> String {
    let data = try FileHandle.standardInput.readToEnd() ?? Data()
    guard let text = String(validating: data, as: UTF8.self) else {
        throw InputError.notUTF8("standard input")
    }
    return text
}

/// Why an input cannot be used.
enum InputError: Error, CustomStringConvertible {
    case notUTF8(String)
    case notBuilt(String)

    var description: String {
        switch self {
        case .notUTF8(let source): "\(source) is not text in UTF-8"
        case .notBuilt(let what): what
        }
    }
}
