import DynamaxEvaluation
import Foundation

/// What `evaluate` prints: a line for each task, policy and metric.
struct EvaluationTable {
    private let summary: RunSummary

    init(_ summary: RunSummary) { self.summary = summary }

    var text: String {
        let rows = summary.lines.flatMap { line in
            line.figures.enumerated().map { index, figure in
                let isFirst = index == 0
                func number(_ format: String, _ value: Double?) -> String {
                    value.map { String(format: format, $0) } ?? ""
                }
                return [
                    isFirst ? line.task : "", isFirst ? line.policy : "", figure.metric.key,
                    number("%.4f", figure.value), number("%.4f", figure.standardError),
                    isFirst ? number("%.2f", line.meanDepth) : "", isFirst ? number("%.3f", line.agreement) : "",
                    isFirst ? number("%.3f", line.bytesOfOff) : "", isFirst ? number("%.0f", line.tokensPerSecond) : "",
                ]
            }
        }
        return TextTable(
            ["task", "policy", "metric", "value", "±", "layers", "agrees", "bytes", "tokens/s"], rows, leading: 3
        ).text
    }
}

/// Cells under headings, words to the left and numbers to the right.
struct TextTable {
    let text: String

    /// - Parameter leading: how many columns hold words.
    init(_ headings: [String], _ rows: [[String]], leading: Int) {
        let lines = [headings] + rows
        let widths = headings.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        text = lines.map { cells in
            let line = cells.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column < leading ? cell + space : space + cell
            }.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}

/// What `evaluate --list` prints.
struct TaskList {
    var text: String {
        let width = TaskCatalogue.all.map(\.name.count).max() ?? 0
        return TaskCatalogue.all.map { task in
            task.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + task.summary + "\n"
        }.joined()
    }
}
