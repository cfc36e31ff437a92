import DynamaxEvaluation
import Foundation

/// What `evaluate` prints: a line for each task, policy and metric.
struct EvaluationTable {
    private let statistics: RunStatistics

    init(_ statistics: RunStatistics) { self.statistics = statistics }

    var text: String {
        func number(_ format: String, _ value: Double?) -> String {
            value.flatMap { $0.isFinite ? String(format: format, $0) : nil } ?? ""
        }
        let rows = statistics.cells.flatMap { cell in
            let facts = [
                number("%.2f", cell.depth.value), number("%.3f", cell.agreement?.value),
                number("%.3f", cell.isReference ? 1 : cell.bytesShare?.value), number("%.0f", cell.tokensPerSecond),
            ]
            return cell.metrics.enumerated().map { index, figure in
                let isFirst = index == 0
                return (isFirst ? [cell.task, cell.policy] : ["", ""])
                    + [figure.metric.key, number("%.4f", figure.value), number("%.4f", figure.standardError)]
                    + facts.map { isFirst ? $0 : "" }
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
