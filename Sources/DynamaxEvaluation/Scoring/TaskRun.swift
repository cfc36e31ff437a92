import DynamaxDepth
import DynamaxModels
import DynamaxTensor
import DynamaxText

/// The questions of one task, put to a model.
struct TaskRun {
    let evaluation: Evaluation
    let task: Evaluation.Task
    let asked: [Evaluation.Asked]
    let store: RunStore
    let plan: BatchPlan
    let meter: WorkMeter
    let past: SharedPast
    var model: LanguageModel { evaluation.model }
    var policies: [EvaluationPolicy] { evaluation.policies }

    init(
        _ evaluation: Evaluation, _ task: Evaluation.Task, _ asked: [Evaluation.Asked], _ store: RunStore,
        _ meter: WorkMeter
    ) {
        (self.evaluation, self.task, self.asked) = (evaluation, task, asked)
        (self.store, self.meter) = (store, meter)
        plan = BatchPlan(evaluation.model.stack)
        past = SharedPast(evaluation.model.stack, plan, meter, prompts: asked.map(\.past))
    }

    /// Asks whatever the store has no answer to yet.
    ///
    /// - Parameter report: told of each row, once it is kept.
    func run(_ report: (Evaluation.Event) throws -> Void) throws {
        func keep(_ row: RunRow) throws {
            try store.append(row)
            try report(.row(row))
        }
        let open = task.items.indices.filter { index in policies.contains { isOpen(index, $0) } }
        for writes in [false, true] {
            let some = open.filter { asked[$0].writes == writes }
            for group in plan.groups(some.map { asked[$0] }, most: evaluation.batch) {
                let indices = Array(some[group])
                try naming(indices) { try (writes ? write : score)(indices, keep) }
            }
        }
    }

    /// Whether an item has no answer under a policy yet.
    func isOpen(_ index: Int, _ policy: EvaluationPolicy) -> Bool { !store.done.contains(key(index, policy)) }

    func key(_ index: Int, _ policy: EvaluationPolicy) -> RunRow.Key {
        RunRow.Key(task: task.entry.name, policy: policy.name, item: task.items[index].id)
    }

    /// Says which items it was that the model had no numbers for.
    private func naming(_ indices: [Int], _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as GenerationError {
            let (first, last) = (task.items[indices[0]].id, task.items[indices[indices.count - 1]].id)
            throw EvaluationError.item(
                first == last ? first : "\(first) to \(last)", task: task.entry.name, "\(error)")
        }
    }
}

extension Evaluation.Asked {
    /// Whether a text is written.
    var writes: Bool { if case .writing = self { true } else { false } }

    /// What states consume once for all policies.
    var past: ArraySlice<Token> {
        switch self {
        case .likelihoods(let layout, _, _): layout.shared[...]
        case .writing(let prompt, _): prompt.dropLast()
        }
    }

    /// Positions that states have to hold.
    var positions: Int {
        switch self {
        case .likelihoods(let layout, _, _): layout.shared.count
        case .writing(let prompt, let limits): prompt.count + limits.maximumTokens
        }
    }

    /// Rows that one policy takes at most.
    var rows: Int {
        switch self {
        case .likelihoods(let layout, _, _): layout.branches.reduce(layout.shared.count) { $0 + $1.rows.count }
        case .writing: positions
        }
    }
}
