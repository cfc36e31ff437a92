import DynamaxEvaluation
import DynamaxLayers
import DynamaxModels
import Foundation

/// Shows on standard error how an evaluation goes: one line that is written over on a terminal, else a line now and then.
final class EvaluationProgress {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let tasks: Int
    private var (task, name) = (0, "")
    private var (rows, before, done) = (0, 0, 0)
    private var start = ContinuousClock.now
    private var lastLine = ContinuousClock.now
    private var isLineOpen = false

    init(tasks: Int) {
        self.tasks = tasks
    }

    func show(_ event: Evaluation.Event) {
        switch event {
        case .task(let name, let rows, let done):
            close()
            task += 1
            (self.name, self.rows, before, self.done) = (name, rows, done, done)
            (start, lastLine) = (.now, .now)
            line(done > 0 ? "\(done) of \(rows) answers are there already" : "\(rows) answers to come")
        case .row:
            done += 1
            guard lastLine.duration(to: .now).seconds >= (isTerminal ? 0.1 : 10) || done == rows else { return }
            let seconds = start.duration(to: .now).seconds
            let left = seconds / Double(max(done - before, 1)) * Double(rows - done)
            line(
                done == rows
                    ? "\(done) answers, \(ProgressTime.text(seconds))"
                    : "\(done)/\(rows) answers, \(ProgressTime.text(left)) left")
        }
    }

    /// Says what was run: rows are as many as would have run through all layers.
    func finish(_ work: EvaluationWork, layers: Int) {
        close()
        let rows = (work.ledger.layerRows + work.ledger.catchUpRows) / layers
        guard work.seconds > 0, rows > 0 else { return }
        note(
            String(
                format: "ran %d rows in %.2f s: %.0f rows/s, %.2f G multiply-adds/s", rows, work.seconds,
                Double(rows) / work.seconds, Double(work.ledger.cost.multiplyAdds) / work.seconds * 1e-9))
    }

    private func line(_ text: String) {
        let text = "task \(task)/\(tasks)  \(name)  \(text)"
        lastLine = .now
        if isTerminal {
            FileHandle.standardError.write(Data(("\r\u{1B}[K" + text).utf8))
            isLineOpen = true
        } else {
            note(text)
        }
    }

    private func close() {
        if isLineOpen { note("") }
        isLineOpen = false
    }
}

/// Seconds as people read them.
enum ProgressTime {
    static func text(_ seconds: Double) -> String {
        let whole = Int(seconds.isFinite ? min(seconds, 1e9) : 0)
        return whole >= 3600
            ? "\(whole / 3600) h \(whole % 3600 / 60) min" : whole >= 60 ? "\(whole / 60) min" : "\(whole) s"
    }
}
