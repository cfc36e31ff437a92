import ArgumentParser

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains models and tokenizers, and measures them.",
        subcommands: [TrainModel.self, TrainTokenizer.self, TrainHeads.self, TrainMeasure.self],
        defaultSubcommand: TrainModel.self)
}
