import ArgumentParser

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains models and tokenizers.",
        subcommands: [TrainModel.self, TrainTokenizer.self], defaultSubcommand: TrainModel.self)
}
