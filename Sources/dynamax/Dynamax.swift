import ArgumentParser

@main
struct Dynamax: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dynamax",
        abstract: "Runs language models with only as much compute as each input needs.",
        version: "0.1.0",
        subcommands: [Generate.self, Inspect.self, Trace.self, Tokenize.self, Bench.self])
}
