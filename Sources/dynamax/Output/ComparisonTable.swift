import DynamaxEvaluation
import Foundation

/// What `compare` prints: a line for each task and metric, then for each task with texts how far they are apart.
struct ComparisonTable {
    private let comparison: RunComparison

    init(_ comparison: RunComparison) { self.comparison = comparison }

    var text: String {
        func number(_ value: Double) -> String { String(format: "%.4f", value) }
        func cells(_ estimate: Estimate) -> [String] {
            [
                number(estimate.value),
                estimate.interval.map { "\(number($0.lowerBound)) to \(number($0.upperBound))" } ?? "",
            ]
        }
        let metrics = comparison.tasks.flatMap { task in
            task.metrics.enumerated().map { index, metric in
                [index == 0 ? task.name : "", metric.metric.key, index == 0 ? "\(task.items)" : ""]
                    + [number(metric.first), number(metric.second)] + cells(metric.difference)
            }
        }
        var text = TextTable(
            ["task", "metric", "items", "first", "second", "difference", "95 %"], metrics, leading: 2
        ).text
        let texts = comparison.tasks.compactMap { task in
            task.texts.map {
                [
                    task.name, number($0.tokenF1.value), number($0.rougeL.value), number($0.equal.value),
                    String(format: "%.1f", $0.firstDivergence.value),
                ]
            }
        }
        if !texts.isEmpty {
            text += "\n\n"
            text +=
                TextTable(["task", "token F1", "ROUGE-L", "equal", "words before they differ"], texts, leading: 1).text
        }
        return text
    }
}
