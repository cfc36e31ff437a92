import DynamaxDepth
public import DynamaxFormats
import DynamaxTensor

/// Two runs side by side: what each item scored in both, however the machines and models differ.
public struct RunComparison: Sendable {
    /// A run, and the policy of it that is looked at.
    public struct Side: Sendable {
        public let run: EvaluationRun
        /// Where it lies, for errors.
        public let path: String
        public let policy: String

        /// Takes a run.
        public init(_ run: EvaluationRun, path: String, policy: String = "off") {
            (self.run, self.path, self.policy) = (run, path, policy)
        }
    }

    /// A task that both runs hold.
    public struct Task: Sendable {
        public let name: String
        /// Items that both have answered.
        public let items: Int
        public let metrics: [Difference]
        /// How far apart written texts are; nil where nothing was written.
        public let texts: Texts?
    }

    /// A metric of both, over the items of both.
    public struct Difference: Sendable {
        public let metric: Metric
        public let first: Double
        public let second: Double
        /// The second less the first; items are resampled in pairs, those of a group together.
        public let difference: Estimate
    }

    /// Texts of the second run beside those of the first, word by word; the words of the first are the reference.
    public struct Texts: Sendable {
        public let tokenF1: Estimate
        public let rougeL: Estimate
        /// The share of equal texts.
        public let equal: Estimate
        /// Words before the first that differs, or all of them.
        public let firstDivergence: Estimate
    }

    public let tasks: [Task]

    /// Compares runs.
    ///
    /// - Throws: `FormatError` where they have no task in common, or one that asks other questions.
    public init(_ first: Side, _ second: Side) throws(FormatError) {
        for side in [first, second] where !side.run.manifest.policies.contains(where: { $0.name == side.policy }) {
            throw FormatError(
                .mismatch, side.path,
                "the run has no policy \(side.policy), only "
                    + side.run.manifest.policies.map(\.name).joined(separator: ", "))
        }
        var tasks: [Task] = []
        for task in first.run.manifest.tasks {
            guard let other = second.run.manifest.tasks.first(where: { $0.name == task.name }) else { continue }
            guard task.dataDigest == other.dataDigest else {
                throw FormatError(
                    .mismatch, second.path, "\(task.name) was asked of other documents than in \(first.path)")
            }
            guard task.options.fewShot == other.options.fewShot, task.options.seed == other.options.seed else {
                throw FormatError(
                    .mismatch, second.path, "\(task.name) was asked with other solved examples than in \(first.path)")
            }
            tasks.append(Task(task, first, second))
        }
        guard !tasks.isEmpty else {
            throw FormatError(.mismatch, second.path, "the run has no task in common with \(first.path)")
        }
        self.tasks = tasks
    }

    /// All of it.
    public var json: JSON { .array(tasks.map(\.json)) }
}

extension RunComparison.Task {
    fileprivate init(
        _ task: RunManifest.TaskEntry, _ first: RunComparison.Side, _ second: RunComparison.Side
    ) {
        func rows(_ side: RunComparison.Side) -> [String: RunRow] {
            let rows = side.run.rows.filter { $0.key.task == task.name && $0.key.policy == side.policy }
            return Dictionary(rows.map { ($0.key.item, $0) }) { $1 }
        }
        let (left, right) = (rows(first), rows(second))
        var groups: [[(RunRow, RunRow)]] = []
        var places: [String: Int] = [:]
        for item in first.run.items where item.task == task.name {
            guard let a = left[item.id], let b = right[item.id] else { continue }
            let place = places[item.group] ?? groups.count
            if place == groups.count {
                places[item.group] = place
                groups.append([])
            }
            groups[place].append((a, b))
        }
        let bootstrap = Bootstrap(count: groups.count)
        name = task.name
        items = groups.reduce(0) { $0 + $1.count }
        metrics = task.metrics.map { metric in
            func figure(_ row: ((RunRow, RunRow)) -> RunRow) -> ([Int]) -> Double {
                let scores = groups.map { group in
                    group.flatMap { row($0).scores.filter { $0.metric == metric.key } }
                }
                return { chosen in metric.aggregation(chosen.flatMap { scores[$0] }) }
            }
            let (one, other) = (figure { $0.0 }, figure { $0.1 })
            let all = Array(groups.indices)
            return RunComparison.Difference(
                metric: metric, first: one(all), second: other(all),
                difference: bootstrap.estimate { other($0) - one($0) })
        }
        texts = RunComparison.Texts(groups, bootstrap)
    }
}

extension RunComparison.Texts {
    /// nil where nothing was written.
    fileprivate init?(_ groups: [[(RunRow, RunRow)]], _ bootstrap: Bootstrap) {
        var numbers = TextNumbers()
        let pairs: [[(reference: [Token], text: [Token])]] = groups.map { group in
            group.compactMap { first, second in
                guard case .text(let reference) = first.answer, case .text(let text) = second.answer else { return nil }
                return (numbers(PythonText.words(reference)), numbers(PythonText.words(text)))
            }
        }
        guard pairs.contains(where: { !$0.isEmpty }) else { return nil }
        let counts = pairs.map { Double($0.count) }
        func mean(_ value: (_ reference: [Token], _ text: [Token]) -> Double) -> Estimate {
            bootstrap.ratio(pairs.map { $0.reduce(0) { $0 + value($1.reference, $1.text) } }, counts)
        }
        tokenF1 = mean { 1 - Divergence.tokenF1.value($1, from: $0) }
        rougeL = mean { 1 - Divergence.rougeL.value($1, from: $0) }
        equal = mean { 1 - Divergence.exactMatch.value($1, from: $0) }
        firstDivergence = mean { Double(zip($0, $1).prefix { $0 == $1 }.count) }
    }
}
