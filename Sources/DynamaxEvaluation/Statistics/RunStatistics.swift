/// What a run found: each policy on each task, beside the full model on the same items.
public struct RunStatistics: Sendable {
    public let run: EvaluationRun
    /// Those that have rows, task by task in the manifest's order.
    public let cells: [RunCell]
    /// All policies in the manifest's order.
    public let policies: [PolicyFigures]
    /// The full model, if the run has it.
    public let reference: RunManifest.Policy?
    /// The items of each task, with what was answered under each policy.
    let answers: [String: [ItemAnswers]]

    /// Finds all there is to find; intervals hold 95 of 100 resamples.
    ///
    /// Rows of tasks and policies that the manifest does not have are left out; of rows with one key the last counts.
    public init(_ run: EvaluationRun, resamples: Int = 1000) {
        self.run = run
        let reference = run.manifest.policies.first { $0.guarantee == "off" }
        self.reference = reference
        let answers = ItemAnswers.byTask(run)
        self.answers = answers
        var bootstraps = BootstrapCache(resamples: resamples)
        var cells: [RunCell] = []
        for task in run.manifest.tasks {
            for policy in run.manifest.policies {
                let pairs = (answers[task.name] ?? []).compactMap { item in
                    item.rows[policy.name].map { row in
                        RowPair(group: item.item.group, row: row, full: reference.flatMap { item.rows[$0.name] })
                    }
                }
                guard !pairs.isEmpty else { continue }
                cells.append(
                    RunCell(task, policy, isReference: policy == reference, pairs, &bootstraps))
            }
        }
        let found = cells
        self.cells = found
        policies = run.manifest.policies.map { policy in
            PolicyFigures(
                policy, found.filter { $0.policy == policy.name },
                run.manifest.tasks.flatMap { answers[$0.name] ?? [] }.compactMap { $0.rows[policy.name] },
                isReference: policy == reference)
        }
    }

    /// What one policy does on one task; nil where nothing was answered.
    public func cell(_ task: String, _ policy: String) -> RunCell? {
        cells.first { $0.task == task && $0.policy == policy }
    }
}

/// An item with its answers.
struct ItemAnswers: Sendable {
    let item: RunItem
    /// By policy.
    var rows: [String: RunRow] = [:]

    /// The items of each task in the order in which they were asked.
    static func byTask(_ run: EvaluationRun) -> [String: [ItemAnswers]] {
        var all: [String: [ItemAnswers]] = [:]
        var places: [[String]: Int] = [:]
        func place(_ item: RunItem) -> Int {
            let key = [item.task, item.id]
            if let place = places[key] { return place }
            let place = all[item.task]?.count ?? 0
            places[key] = place
            all[item.task, default: []].append(ItemAnswers(item: item))
            return place
        }
        for item in run.items { _ = place(item) }
        for row in run.rows {
            // Of an item that is not listed, the name tells its group: turns are called `12/3`.
            let id = row.key.item
            let group = id.split(separator: "/", maxSplits: 1).first.map { String($0) } ?? id
            let item = RunItem(task: row.key.task, id: id, group: group, prompt: "", references: [])
            let index = place(item)
            all[item.task]?[index].rows[row.key.policy] = row
        }
        return all
    }
}

/// What one policy answered to an item, beside the full model's answer.
struct RowPair: Sendable {
    let group: String
    let row: RunRow
    let full: RunRow?
}

/// Resamples that figures share: one set for the items of a task, most often.
struct BootstrapCache {
    let resamples: Int
    private var drawn: [[String]: Bootstrap] = [:]

    init(resamples: Int) { self.resamples = resamples }

    mutating func callAsFunction(_ pairs: [RowPair]) -> Bootstrap {
        let groups = pairs.map(\.group)
        if let bootstrap = drawn[groups] { return bootstrap }
        let bootstrap = Bootstrap(groups: groups, resamples: resamples)
        drawn[groups] = bootstrap
        return bootstrap
    }
}
