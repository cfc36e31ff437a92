import ArgumentParser
import DynamaxFormats
import DynamaxTensor
import DynamaxText

/// The input of a model: text, or token numbers for models without a tokenizer.
struct PromptOptions: ParsableArguments {
    @Argument(help: "The text to continue; standard input without it.")
    var prompt: String?

    @Option(
        name: .customLong("tokens"), parsing: .unconditional,
        help: "Token numbers instead of text, separated by commas.")
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
