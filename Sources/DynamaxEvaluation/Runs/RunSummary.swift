public import DynamaxFormats
import DynamaxLayers
import DynamaxModels

/// The figures of a run in short: for each task and policy its metrics, and what a token took.
public struct RunSummary: Sendable {
    /// One task under one policy.
    public struct Line: Sendable {
        public let task: String
        public let policy: String
        /// Items that have been answered.
        public let items: Int
        public let figures: [Figure]
        /// Layers of a token before it was decided; the prompt's own decision, the first of each written text, left out.
        public let meanDepth: Double?
        /// The share of tokens that the full model would have named too.
        public let agreement: Double?
        /// Bytes of weights and states for each token, and as a share of the full model's.
        public let bytesPerToken: Double?
        public internal(set) var bytesOfOff: Double?
        public let tokensPerSecond: Double?
    }

    /// A metric's figure, with its standard error where that has a closed form.
    public struct Figure: Sendable {
        public let metric: Metric
        public let value: Double
        public let standardError: Double?
    }

    /// Task by task, and policy by policy, in the order of the manifest.
    public let lines: [Line]

    /// Adds up the rows of a run.
    public init(_ run: EvaluationRun) {
        let rows = Dictionary(grouping: run.rows) { [$0.key.task, $0.key.policy] }
        var lines: [Line] = []
        for task in run.manifest.tasks {
            let first = lines.count
            for policy in run.manifest.policies {
                lines.append(Line(task, policy.name, rows[[task.name, policy.name]] ?? []))
                if let own = lines[lines.count - 1].bytesPerToken, let off = lines[first].bytesPerToken, off > 0 {
                    lines[lines.count - 1].bytesOfOff = own / off
                }
            }
        }
        self.lines = lines
    }

    /// All of it.
    public var json: JSON {
        func number(_ value: Double?) -> JSON { value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null }
        return .array(
            lines.map { line in
                [
                    "task": .string(line.task), "policy": .string(line.policy), "items": .integer(line.items),
                    "metrics": .array(
                        line.figures.map {
                            [
                                "name": .string($0.metric.key), "value": number($0.value),
                                "standard_error": number($0.standardError),
                            ]
                        }),
                    "mean_depth": number(line.meanDepth), "agreement": number(line.agreement),
                    "bytes_per_token": number(line.bytesPerToken), "bytes_of_off": number(line.bytesOfOff),
                    "tokens_per_second": number(line.tokensPerSecond),
                ]
            })
    }
}

extension RunSummary.Line {
    fileprivate init(_ task: RunManifest.TaskEntry, _ policy: String, _ rows: [RunRow]) {
        (self.task, self.policy) = (task.name, policy)
        items = rows.count
        let scores = Dictionary(grouping: rows.flatMap(\.scores), by: \.metric)
        figures = task.metrics.map { metric in
            let scores = scores[metric.key] ?? []
            return RunSummary.Figure(
                metric: metric, value: metric.aggregation(scores),
                standardError: metric.aggregation.standardError(scores))
        }
        func share(_ sum: Int, of count: Int) -> Double? { count > 0 ? Double(sum) / Double(count) : nil }
        let decided = rows.flatMap(\.decidedTokens)
        meanDepth = share(decided.reduce(0) { $0 + $1.layer }, of: decided.count)
        let judged = rows.flatMap(\.tokens).compactMap(\.agrees)
        agreement = share(judged.count(where: \.self), of: judged.count)
        bytesPerToken = share(rows.reduce(0) { $0 + $1.ledger.cost.bytes }, of: decided.count)
        let seconds = rows.reduce(0) { $0 + $1.seconds }
        tokensPerSecond = seconds > 0 ? Double(decided.count) / seconds : nil
    }
}

extension RunRow {
    /// The tokens that `ledger` and `seconds` are about: the first of a written text is the prompt's doing.
    public var decidedTokens: ArraySlice<TokenRecord> {
        if case .text = answer { tokens.dropFirst() } else { tokens[...] }
    }
}
