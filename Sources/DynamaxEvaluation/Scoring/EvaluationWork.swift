import DynamaxDepth
import DynamaxLayers
public import DynamaxModels

/// All that was run for an evaluation, prompts included, and how long it took.
public struct EvaluationWork: Hashable, Sendable {
    public internal(set) var ledger = Ledger()
    public internal(set) var seconds = 0.0
}

/// Adds up what runs.
final class WorkMeter {
    private(set) var work = EvaluationWork()

    /// Runs rows of some sequences.
    ///
    /// - Returns: what was said of each sequence, with its share of the seconds by its multiply-adds.
    func measure(
        _ run: () throws(GenerationError) -> [ForcedRows.Answers]
    ) throws(GenerationError) -> [(answers: ForcedRows.Answers, seconds: Double)] {
        let start = ContinuousClock.now
        let answers = try run()
        let seconds = start.duration(to: .now) / .seconds(1)
        let ledger = answers.reduce(Ledger()) { $0 + $1.ledger }
        add(ledger, seconds: seconds)
        return answers.map { answers in
            let share = Double(answers.ledger.cost.multiplyAdds) / Double(max(ledger.cost.multiplyAdds, 1))
            return (answers, seconds * share)
        }
    }

    func add(_ ledger: Ledger, seconds: Double) {
        work.ledger += ledger
        work.seconds += seconds
    }
}
