/// What a run found, in a sentence for each policy.
struct EvaluationSummary {
    let statistics: RunStatistics

    /// What a policy keeps, takes and changes; nil where it answered nothing.
    func sentence(_ figures: PolicyFigures) -> String? {
        guard !figures.cells.isEmpty else { return nil }
        let layers = statistics.run.manifest.model.layers
        if figures.isReference { return "is the full model, all \(layers) layers: " + scores(figures.cells) + "." }
        var parts: [String] = []
        if let agreement = figures.agreement {
            parts.append("keeps \(Figures.percent(agreement)) of the tokens")
        }
        if let depth = figures.depth { parts.append("takes \(Figures.decimal(depth, 1)) of \(layers) layers a token") }
        if let operations = figures.multiplyAddsShare, let bytes = figures.bytesShare {
            parts.append(
                "\(Figures.percent(operations, 0)) of the multiply-adds, \(Figures.percent(bytes, 0)) of the bytes")
        }
        if let speed = figures.speed { parts.append("\(Figures.decimal(speed)) times the speed") }
        return parts.joined(separator: ", ") + ". " + changes(figures.cells)
    }

    /// What the reader should not miss.
    var warnings: [String] {
        var warnings: [String] = []
        let missing = statistics.cells.filter { $0.items < $0.expectedItems }
        let unanswered = statistics.policies.filter { $0.cells.isEmpty }.map(\.policy.name)
        if let first = missing.first {
            warnings.append(
                "the run is not complete: \(first.policy) has answered \(first.items) of the \(first.expectedItems) items of \(first.task)"
                    + (missing.count > 1
                        ? ", and \(missing.count - 1) other pairs of task and policy lack items." : "."))
        }
        if !unanswered.isEmpty { warnings.append("nothing was answered under \(unanswered.joined(separator: ", ")).") }
        if statistics.reference == nil {
            warnings.append("the run has no full model to compare with: there are no differences and no shares.")
        }
        let slower = statistics.policies.filter { !$0.isReference && ($0.speed ?? 1) < 0.995 }.map(\.policy.name)
        if !slower.isEmpty { warnings.append("slower than the full model: \(slower.joined(separator: ", ")).") }
        return warnings
    }

    private func scores(_ cells: [RunCell]) -> String {
        let all = cells.compactMap { cell in cell.main.map { "\(cell.task) \($0.metric.key) \(Figures.score($0))" } }
        guard all.count > 4 else { return all.joined(separator: ", ") }
        return all.prefix(4).joined(separator: ", ") + " and \(all.count - 4) more"
    }

    /// Changes that resamples tell from none, or all where there are few tasks.
    private func changes(_ cells: [RunCell]) -> String {
        let all = cells.filter { $0.main?.difference != nil }
        guard !all.isEmpty else { return "" }
        func text(_ cell: RunCell) -> String {
            guard let main = cell.main else { return "" }
            return "\(cell.task) by \(Figures.difference(main, unit: true))"
        }
        func sentence(_ texts: [String]) -> String {
            texts.count < 2 ? texts.joined() : texts.dropLast().joined(separator: ", ") + " and " + (texts.last ?? "")
        }
        if all.count <= 3 { return "It changes " + sentence(all.map(text)) + "." }
        let told = all.filter { $0.main?.verdict != .unchanged }
        if told.isEmpty { return "On none of \(all.count) tasks can a change be told from chance." }
        let rest = all.count - told.count
        return "It changes " + sentence(told.prefix(4).map(text))
            + (told.count > 4 ? ", and \(told.count - 4) other tasks" : "")
            + (rest > 0 ? "; on the other \(rest) no change can be told from chance." : ".")
    }
}

extension RunCell.MetricFigure {
    enum Verdict { case better, worse, unchanged }

    /// Whether the interval of the difference leaves out 0.
    var verdict: Verdict {
        guard let interval = difference?.interval, !interval.contains(0) else { return .unchanged }
        return (interval.lowerBound > 0) == metric.isHigherBetter ? .better : .worse
    }
}

extension Figures {
    /// The figure of a metric.
    static func score(_ figure: RunCell.MetricFigure) -> String { decimal(figure.value, digits(figure)) }

    /// The figure with its standard error.
    static func scoreAndError(_ figure: RunCell.MetricFigure) -> String {
        score(figure) + (figure.standardError.map { " ± " + decimal($0, digits(figure)) } ?? "")
    }

    /// A difference with its interval: in points, hundredths of the whole, where the metric is a share.
    static func difference(_ figure: RunCell.MetricFigure, unit: Bool = false) -> String {
        guard let difference = figure.difference else { return "" }
        let scale = figure.metric.isShare ? 100.0 : 1
        let digits = figure.metric.isShare ? 1 : 2
        var text = signed(difference.value * scale, digits) + (unit && figure.metric.isShare ? " points" : "")
        if let interval = difference.interval {
            text +=
                " (\(signed(interval.lowerBound * scale, digits)) to \(signed(interval.upperBound * scale, digits)))"
        }
        return text
    }

    private static func digits(_ figure: RunCell.MetricFigure) -> Int { figure.metric.isShare ? 4 : 2 }
}
