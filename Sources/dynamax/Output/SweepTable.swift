import DynamaxDepth
import DynamaxEvaluation
import Foundation

/// What `sweep` prints: a line for each point.
struct SweepTable {
    private let result: SweepResult

    init(_ result: SweepResult) { self.result = result }

    var text: String {
        let width = max(8, (result.points.map(\.exit.count).max() ?? 0) + 2)
        func padded(_ text: String, _ width: Int) -> String {
            text.padding(toLength: width, withPad: " ", startingAt: 0)
        }
        let header =
            padded("exit", width) + padded("guarantee", 11) + padded("state", 10)
            + "  layers   speed   bytes  agrees  random   bound      F1"
        let rows = result.points.map { point in
            let figures = point.figures
            let numbers = [
                figures.depth.value, figures.speed.value, figures.bytes.value / figures.fullBytes,
                figures.consistency.value, figures.randomConsistency, figures.oracleConsistency, figures.tokenF1.value,
            ].map { String(format: "%8.3f", $0) }.joined()
            return padded(point.exit, width) + padded(point.guarantee.rawValue, 11)
                + padded(point.state.rawValue, 10) + numbers + (point.isSlower ? "  slower than the full model" : "")
        }
        return ([header] + rows).joined(separator: "\n")
    }
}

/// Says on standard error how a sweep goes.
struct SweepProgress {
    private var (found, all) = (0, 0)

    mutating func show(_ event: DynamaxEvaluation.Sweep.Event) {
        switch event {
        case .begun(let points):
            all = points
            note("the full model's texts are written; \(points) points follow")
        case .point(let point):
            found += 1
            note(
                String(
                    format: "%d/%d  %@, %@, %@: %.2f layers, speed %.2f", found, all, point.exit,
                    point.guarantee.rawValue, point.state.rawValue, point.figures.depth.value,
                    point.figures.speed.value))
        }
    }
}
