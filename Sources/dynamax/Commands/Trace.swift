import ArgumentParser
import DynamaxModels
import DynamaxTensor

struct Trace: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes hidden rows and logits of every layer to a safetensors file.",
        discussion: """
            The file holds tokens [T] i32, hidden [L + 1, T, D] f32 (0: the embedding's output, i: after layer i, before the \
            final norm), logits [T, V], exit_logits [L, T, V] (norm and head applied after each layer), and greedy [n] \
            i32, the continuation.
            """)

    @OptionGroup var options: ModelOptions
    @OptionGroup var input: PromptOptions

    @Option(name: .shortAndLong, help: "The file to write.")
    var output: String

    @Option(
        name: [.customShort("n"), .customLong("max-tokens")], parsing: .unconditional,
        help: "Tokens of the greedy continuation.")
    var maxTokens = 32

    func validate() throws {
        guard maxTokens >= 0 else { throw ValidationError("-n must be 0 or more, not \(maxTokens)") }
        guard !output.isEmpty else { throw ValidationError("--output must name a file") }
    }

    func run() throws {
        let loaded = try options.load()
        let tokens = try input.tokens(loaded.files)
        try ModelTrace(loaded.model, tokens: tokens, continuation: maxTokens).write(to: output, model: options.model)
    }
}
