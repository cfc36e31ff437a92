/// What a training run has to tell while it goes on.
public enum TrainingEvent: Sendable {
    /// Something that is worth a line.
    case note(String)
    /// A step was taken.
    case step(StepReport)
    /// Held-out texts were measured.
    case evaluation(step: Int, [EvaluationResult])
    /// The model wrote a text.
    case sample(step: Int, String)
    /// A checkpoint was written.
    case checkpoint(step: Int, path: String)
}

/// One step of the optimizer.
public struct StepReport: Sendable {
    /// Steps taken, this one included.
    public let step: Int
    /// Steps of the whole run.
    public let steps: Int
    /// The loss that was minimised, in nats per token.
    public let loss: Double
    /// The loss at each depth that counted.
    public let depths: [(depth: Int, loss: Double)]
    /// The learning rate.
    public let rate: Double
    /// The norm of all gradients, before clipping.
    public let gradientNorm: Double
    /// Tokens of the step.
    public let tokens: Int
    /// Seconds that the step took.
    public let seconds: Double
}

/// Why a run cannot go on.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
    case notANumber(step: Int, checkpoint: String?)
    case folderInUse(String)
    case otherRun(String)
    /// None of the checkpoints is as it was written.
    case noSoundCheckpoint(String)
    /// Something could not be written, for the reason given.
    case cannotGoOn(String, checkpoint: String?)

    public var description: String {
        switch self {
        case .notANumber(let step, let checkpoint):
            "the loss or its gradient at step \(step) is not a number: try a lower learning rate; "
                + (checkpoint.map { "the last good checkpoint is \($0)" } ?? "there is no good checkpoint")
        case .folderInUse(let folder):
            "\(folder): the folder holds a run already: go on with --resume, or choose another output"
        case .otherRun(let checkpoint):
            "\(checkpoint): the checkpoint is of a run with another seed, model, tokenizer, data, batch, optimizer or exits"
        case .noSoundCheckpoint(let folder):
            "\(folder): none of the checkpoints is as it was written: choose another output to begin anew"
        case .cannotGoOn(let reason, let checkpoint):
            reason + "; "
                + (checkpoint.map { "the run goes on with --resume from the last good checkpoint, \($0)" }
                    ?? "there is no checkpoint yet")
        }
    }
}
