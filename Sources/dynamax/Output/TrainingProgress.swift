import DynamaxTraining
import Foundation

/// Shows on standard error how a training run goes: one line that is written over on a terminal, else a line now and then.
final class TrainingProgress {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let steps: Int
    private var recent: [StepReport] = []
    private var lastLine = ContinuousClock.now
    private var isLineOpen = false

    /// Seconds between lines where they cannot be written over.
    private static let pause = 10.0

    init(steps: Int) {
        self.steps = steps
    }

    func show(_ event: TrainingEvent) {
        switch event {
        case .note(let text): line(text)
        case .step(let report): show(report)
        case .evaluation(let step, let results):
            for result in results {
                let depths = result.depths.map { String(format: "%d: %.4f (%.4f)", $0.depth, $0.perToken, $0.perByte) }
                line(
                    "step \(step)  held out \(result.name), nats per token (per byte) at depth "
                        + depths.joined(separator: "  "))
            }
        case .sample(let step, let text): line("step \(step)  \(text)")
        case .checkpoint(let step, let path): line("step \(step)  checkpoint \(path)")
        }
    }

    private func show(_ report: StepReport) {
        recent.append(report)
        if recent.count > 50 { recent.removeFirst() }
        let seconds = recent.reduce(0) { $0 + $1.seconds }
        let loss = recent.suffix(20).reduce(0) { $0 + $1.loss } / Double(min(20, recent.count))
        let rate = Double(recent.reduce(0) { $0 + $1.tokens }) / max(seconds, 1e-9)
        let left = Double(report.steps - report.step) * seconds / Double(recent.count)
        let text = String(
            format: "step %d/%d  loss %.4f  norm %.2f  rate %.2e  %.0f tokens/s  %@ left", report.step, report.steps,
            loss, report.gradientNorm, report.rate, rate, ProgressTime.text(left))
        if isTerminal {
            write("\r\u{1B}[K" + text)
            isLineOpen = true
        } else if lastLine.duration(to: .now).seconds >= TrainingProgress.pause || report.step == 1
            || report.step == report.steps
        {
            line(text)
        }
    }

    private func line(_ text: String) {
        write((isLineOpen ? "\r\u{1B}[K" : "") + text + "\n")
        isLineOpen = false
        lastLine = .now
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
