import DynamaxDepth
import DynamaxLayers
import DynamaxModels
import DynamaxTensor

/// Finds how likely texts are under policies, many items at a time.
///
/// What an item's texts begin with runs once, for all policies; then each policy runs the branches. Rows of several items
/// share batches, which changes no bit of what is said.
struct LikelihoodScorer {
    let stack: any LayerStack
    let past: SharedPast
    /// Rows of a batch, about.
    var rows = 512

    /// What was said of an item's branches under one policy.
    struct Outcome: Sendable {
        var branches: [ForcedRows.Answers]
        var seconds: Double
    }

    /// Scores items under one policy.
    ///
    /// - Parameters:
    ///   - pasts: states that have consumed each item's shared rows, as `begin` makes them; they stay as they are.
    func score(
        _ items: [LikelihoodItem], _ pasts: [SequenceState], _ policy: EvaluationPolicy
    ) throws(GenerationError) -> [Outcome] {
        var outcomes = items.map {
            Outcome(branches: $0.branches.map { _ in ForcedRows.Answers(rows: []) }, seconds: 0)
        }
        let places = items.indices.flatMap { item in items[item].branches.indices.map { (item: item, branch: $0) } }
        let isStepwise = !policy.scoresAsOff && policy.specification.state != .deferred
        let pass = isStepwise ? nil : ForcedPass(stack, policy.scoresAsOff ? nil : policy.exits, chunk: rows)
        for batch in packed(places.map { items[$0.item].branches[$0.branch].rows.count }) {
            let sequences = batch.map { index in
                let branch = items[places[index].item].branches[places[index].branch]
                return ForcedRows(pasts[places[index].item].fork(), branch.rows, questions: branch.questions)
            }
            let start = ContinuousClock.now
            let answers: [ForcedRows.Answers]
            if let pass {
                answers = try pass.run(sequences)
            } else {
                answers = try sequences.map { sequence throws(GenerationError) in try step(sequence, policy) }
            }
            let seconds = start.duration(to: .now) / .seconds(1)
            let work = Double(max(1, answers.reduce(0) { $0 + $1.ledger.cost.multiplyAdds }))
            for (index, answer) in zip(batch, answers) {
                outcomes[places[index].item].branches[places[index].branch] = answer
                outcomes[places[index].item].seconds += seconds * Double(answer.ledger.cost.multiplyAdds) / work
            }
        }
        return outcomes
    }

    /// One branch token by token, for states that are not the full model's.
    private func step(_ rows: ForcedRows, _ policy: EvaluationPolicy) throws(GenerationError) -> ForcedRows.Answers {
        guard let exits = policy.exits,
            var decoder = try? EarlyExitDecoder(stack, exits, state: policy.specification.state)
        else { preconditionFailure("a policy's state rule fits its model") }
        return try decoder.force(rows)
    }

    /// States that have consumed the rows that each item's texts have in common.
    ///
    /// - Parameter policy: whose heads remember; nil for states of the full model alone.
    func begin(_ items: [LikelihoodItem], for policy: EvaluationPolicy?) throws(GenerationError) -> [SequenceState] {
        let pass = ForcedPass(stack, policy?.exits, chunk: rows)
        var states: [SequenceState] = []
        for _ in items { states.append(try past.fork(for: policy)) }
        let rest = items.map { $0.shared.dropFirst(past.tokens.count) }
        for batch in packed(rest.map(\.count)) {
            _ = try pass.run(
                batch.map { ForcedRows(states[$0], Array(rest[$0]), questions: [], runsThrough: true) })
        }
        return states
    }

    /// Batches of neighbours with rows, each of about as many as `rows`.
    private func packed(_ counts: [Int]) -> [[Int]] {
        var (batches, batch, sum) = ([[Int]](), [Int](), 0)
        for (index, count) in counts.enumerated() where count > 0 {
            if sum + count > rows, !batch.isEmpty {
                batches.append(batch)
                (batch, sum) = ([], 0)
            }
            batch.append(index)
            sum += count
        }
        return batch.isEmpty ? batches : batches + [batch]
    }
}
