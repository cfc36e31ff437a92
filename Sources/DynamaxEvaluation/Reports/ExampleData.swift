import DynamaxFormats
import DynamaxModels

/// Answers to show, as few characters as may be: a page of thousands of answers has to stay small and quick.
struct ExampleData {
    /// How many items of a task are shown.
    struct Shown {
        let task: String
        let count: Int
        let of: Int
        /// What makes an answer right: a metric of at least one half; nil where no metric says so.
        let metric: Metric?
    }

    private(set) var shown: [Shown] = []
    /// The characters of a JSON object, without any that mean something in HTML or XML.
    let text: String

    /// Bytes of the object, about.
    private static let budget = 6_000_000
    /// Characters of a prompt or a choice, and tokens of an answer.
    private static let characters = 1600
    private static let tokens = 400

    /// Takes items of each task: the first ones, and as many of those whose answers differ from the full model's.
    init(_ statistics: RunStatistics, limit: Int) {
        let manifest = statistics.run.manifest
        let policies = manifest.policies.map(\.name)
        let full = statistics.reference.map(\.name)
        var (items, rows) = ([String](), [String]())
        var tasks: [JSON] = []
        let budget = ExampleData.budget / max(manifest.tasks.count, 1)
        for (number, task) in manifest.tasks.enumerated() {
            let all = (statistics.answers[task.name] ?? []).filter { !$0.rows.isEmpty }
            let metric = ExampleData.decisive(task.metrics, all)
            var (count, size) = (0, 0)
            for answers in ExampleData.chosen(all, full: full, limit: limit) where size < budget {
                let item = ExampleData.json(answers.item, task: number)
                let own = policies.enumerated().compactMap { index, name in
                    answers.rows[name].map { row in
                        ExampleData.json(
                            row, full: full.flatMap { answers.rows[$0] }, item: items.count, policy: index,
                            metrics: task.metrics, decisive: metric)
                    }
                }
                size += item.utf8.count + own.reduce(0) { $0 + $1.utf8.count }
                count += 1
                items.append(item)
                rows += own
            }
            shown.append(Shown(task: task.name, count: count, of: all.count, metric: metric))
            tasks.append(["name": .string(task.name), "metrics": .array(task.metrics.map { .string($0.key) })])
        }
        let head: JSON = [
            "tasks": .array(tasks), "policies": .array(policies.map { .string($0) }),
            "full": full.flatMap(policies.firstIndex).map { .integer($0) } ?? -1,
        ]
        text = ExampleData.embedded(
            "\(head)".dropLast() + ",\"items\":[" + items.joined(separator: ",\n") + "],\n\"rows\":["
                + rows.joined(separator: ",\n") + "]}")
    }

    private static func chosen(_ all: [ItemAnswers], full: String?, limit: Int) -> [ItemAnswers] {
        guard all.count > limit else { return all }
        let first = limit - limit / 2
        let other = all[first...].filter { answers in
            guard let full = full.flatMap({ answers.rows[$0] }) else { return false }
            return answers.rows.values.contains { !RowPair(group: "", row: $0, full: full).isSame }
        }.prefix(limit / 2)
        let ids = Set(other.map(\.item.id))
        let rest = all[first...].filter { !ids.contains($0.item.id) }.prefix(limit / 2 - other.count)
        return Array(all[..<first]) + other + rest
    }

    /// The first metric that is a mean of scores between 0 and 1.
    private static func decisive(_ metrics: [Metric], _ answers: [ItemAnswers]) -> Metric? {
        metrics.first { metric in
            metric.aggregation == .mean && metric.isHigherBetter
                && answers.allSatisfy { $0.rows.values.allSatisfy { (0...1).contains($0.score(metric)?.value ?? 0) } }
        }
    }

    // MARK: One item, one answer

    /// `[task, id, prompt, choices, references]`.
    private static func json(_ item: RunItem, task: Int) -> String {
        let prompt = item.prompt.count > characters ? "… " + item.prompt.suffix(characters) : item.prompt
        let choices = item.choices.map { $0.count > characters ? $0.prefix(characters) + " …" : $0 }
        let value: JSON = [
            .integer(task), .string(item.id), .string(prompt), .array(choices.map { .string($0) }),
            .array(item.references.map { .string($0) }),
        ]
        return "\(value)"
    }

    /// `[item, policy, right, same, scores, answer, tokens]`: right and same are 1, 0, or -1 where it is not known; the answer is
    /// the sums of likelihoods, a text, or the length of the part of the tokens' text that it is.
    private static func json(
        _ row: RunRow, full: RunRow?, item: Int, policy: Int, metrics: [Metric], decisive: Metric?
    ) -> String {
        let right = decisive.flatMap { row.score($0) }.map { $0.value >= 0.5 ? 1 : 0 } ?? -1
        let same = full.map { RowPair(group: "", row: row, full: $0).isSame ? 1 : 0 } ?? -1
        let tokens = row.tokens.prefix(ExampleData.tokens)
        let answer: JSON =
            switch row.answer {
            case .logLikelihoods(let values): .array(values.map { rounded($0.sum) })
            case .text(let text):
                row.tokens.count == tokens.count && tokens.map(\.text).joined().utf8.starts(with: text.utf8)
                    ? .integer(text.utf16.count) : .string(text)
            }
        let value: JSON = [
            .integer(item), .integer(policy), .integer(right), .integer(same),
            .array(metrics.map { metric in row.score(metric).map { rounded($0.value) } ?? .null }), answer,
            json(tokens, choices: row.answer.choices, left: row.tokens.count - tokens.count),
        ]
        return "\(value)"
    }

    /// `[texts, layers, places that the full model would have filled otherwise, scores, tokens of each choice, tokens left out]`.
    private static func json(_ tokens: ArraySlice<RunRow.TokenRecord>, choices count: Int, left: Int) -> JSON {
        var choices = [Int](repeating: 0, count: count)
        for token in tokens where choices.indices.contains(token.choice) { choices[token.choice] += 1 }
        let other = tokens.enumerated().filter { $0.element.agrees == false }.map { JSON.integer($0.offset) }
        let hasScores = tokens.contains { $0.exitScore != nil }
        return [
            .array(tokens.map { .string($0.text) }), .array(tokens.map { .integer($0.layer) }), .array(other),
            .array(hasScores ? tokens.map { $0.exitScore.map { rounded(Double($0)) } ?? .null } : []),
            .array(choices.map { .integer($0) }), .integer(left),
        ]
    }

    private static func rounded(_ value: Double) -> JSON {
        guard value.isFinite else { return .null }
        let thousandths = (value * 1000).rounded()
        return abs(thousandths) < 1e15 && thousandths.truncatingRemainder(dividingBy: 1000) == 0
            ? .integer(Int(thousandths / 1000)) : .number(thousandths / 1000)
    }

    /// JSON text that HTML and XML leave alone: no text in it can end the element that it stands in.
    private static func embedded(_ json: some StringProtocol) -> String {
        var result = ""
        result.reserveCapacity(json.utf8.count)
        for scalar in json.unicodeScalars {
            switch scalar {
            case "<", ">", "&", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{FFFE}", "\u{FFFF}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension RunRow.Answer {
    /// Likelihoods that it holds.
    fileprivate var choices: Int { if case .logLikelihoods(let values) = self { values.count } else { 0 } }
}
