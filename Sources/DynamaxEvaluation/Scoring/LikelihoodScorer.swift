import DynamaxDepth
import DynamaxModels
import DynamaxTensor

/// Finds how likely texts are under policies, many items at a time.
///
/// Rows of several items share batches, which changes no bit of what is said.
struct LikelihoodScorer {
    let stack: any LayerStack
    let plan: BatchPlan
    let meter: WorkMeter

    /// What was said of an item's branches under one policy.
    struct Outcome: Sendable {
        var branches: [ForcedRows.Answers]
        var seconds = 0.0
    }

    /// Scores items under one policy.
    ///
    /// - Parameter pasts: states that have consumed each item's shared rows; they stay as they are.
    func score(
        _ items: [LikelihoodItem], _ pasts: [SequenceState], _ policy: EvaluationPolicy
    ) throws(GenerationError) -> [Outcome] {
        var outcomes = items.map { Outcome(branches: $0.branches.map { _ in ForcedRows.Answers() }) }
        let places = items.indices.flatMap { item in items[item].branches.indices.map { (item: item, branch: $0) } }
        let pass = ForcedPass(stack, policy.scoresAsOff ? nil : policy.exits)
        for batch in plan.batches(places.map { items[$0.item].branches[$0.branch].rows.count }) {
            let sequences = batch.map { index in
                let branch = items[places[index].item].branches[places[index].branch]
                return ForcedRows(pasts[places[index].item].fork(), branch.rows, questions: branch.questions)
            }
            let said = try meter.measure { () throws(GenerationError) in
                policy.isStepwise
                    ? try sequences.map { sequence throws(GenerationError) in try step(sequence, policy) }
                    : try pass.run(sequences)
            }
            for (index, said) in zip(batch, said) {
                outcomes[places[index].item].branches[places[index].branch] = said.answers
                outcomes[places[index].item].seconds += said.seconds
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
}
