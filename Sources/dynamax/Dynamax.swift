import ArgumentParser

@main
struct Dynamax: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dynamax", abstract: "Runs language models with only as much compute as each input needs.")
}
