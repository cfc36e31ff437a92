import ArgumentParser
import DynamaxModels
import DynamaxTensor
import DynamaxText
import DynamaxTraining
import Foundation
import Synchronization

struct TrainModel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Trains a model as a configuration says.",
        discussion: """
            The run's folder, `output` in the configuration, gets metrics.jsonl, loss.svg and checkpoints, each of them a \
            model in Hugging Face layout. A run that was broken off, whatever the reason, goes on with --resume as if \
            nothing had happened. Ctrl-C writes a checkpoint first. Recipes/ in the repository holds configurations.
            """)

    @Argument(help: "The configuration, a JSON file.")
    var config: String

    @Flag(help: "Go on after the last good checkpoint in the run's folder.")
    var resume = false

    @Option(help: "Take so many steps in all instead of those that the configuration says.")
    var steps: Int?

    @Option(name: .shortAndLong, help: "The run's folder instead of the one that the configuration says.")
    var output: String?

    @Option(name: .shortAndLong, help: "Threads to run on; by default one for each processor.")
    var threads: Int?

    @Flag(help: "Only encode the texts, and say how many tokens they have.")
    var prepare = false

    func validate() throws {
        if let steps, steps < 1 { throw ValidationError("--steps must be 1 or more, not \(steps)") }
    }

    func run() throws {
        var settings = try TrainingConfiguration(contentsOf: config)
        settings.steps = steps ?? settings.steps
        settings.output = output ?? settings.output
        if prepare { return try describe(PreparedData(settings, Tokenizer(at: settings.tokenizer)) { note($0) }) }
        let device = try Device(threads: threads ?? Device.processorCount)
        let progress = TrainingProgress(steps: settings.steps)
        var trainer = try Trainer(settings, resumes: resume, on: device) { progress.show($0) }
        note(
            "\(trainer.model.family), \(trainer.model.stack.layerCount) layers, \(trainer.parameterCount) parameters, "
                + "\(trainer.rowsInEpoch) tokens a pass, \(device.threads) threads (\(device.instructionSetName))")
        Interruption.catchSignals()
        try trainer.run {
            progress.show($0)
        } shouldStop: {
            Interruption.isRequested.load(ordering: .relaxed)
        }
        if trainer.step < settings.steps { note("stopped after step \(trainer.step); go on with --resume") }
    }

    private func describe(_ data: PreparedData) {
        for source in data.train { describe("train", source.corpus, weight: source.weight) }
        for (_, corpus) in data.validation { describe("held out", corpus, weight: 1) }
    }

    private func describe(_ purpose: String, _ corpus: TokenCorpus, weight: Double) {
        print(
            "\(purpose): \(corpus.location): \(corpus.documentCount) documents, \(corpus.textBytes) bytes, "
                + "\(corpus.tokenCount) tokens, weight \(weight)")
    }
}

/// Ctrl-C and a polite kill: the run ends after its step.
private enum Interruption {
    static let isRequested = Atomic(false)

    static func catchSignals() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in Interruption.isRequested.store(true, ordering: .relaxed) }
        }
    }
}
