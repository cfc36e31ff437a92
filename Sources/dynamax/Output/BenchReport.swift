import DynamaxLayers
import DynamaxModels
import DynamaxTensor
import Foundation

/// What `bench` found.
struct BenchReport: Encodable {
    /// A rate over several runs.
    struct Rate: Encodable {
        let median: Double
        let minimum: Double
        let maximum: Double
        let runs: [Double]

        init(_ runs: [Double]) {
            let sorted = runs.sorted()
            let middle = sorted.count / 2
            median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
            minimum = sorted[0]
            maximum = sorted[sorted.count - 1]
            self.runs = runs
        }

        func scaled(by factor: Double) -> Rate { Rate(runs.map { $0 * factor }) }

        func text(_ unit: String) -> String {
            String(format: "%9.2f %@   (%.2f to %.2f)", median, unit, minimum, maximum)
        }
    }

    /// One kind of work.
    struct Phase: Encodable {
        let tokens: Int
        let tokensPerSecond: Rate
        /// Bytes of weights and states that the ledger counts, over the time measured.
        let bytesPerSecond: Rate
        /// Multiply-adds that the ledger counts, over the same time.
        let multiplyAddsPerSecond: Rate
    }

    let model: String
    let format: String
    let kvCache: String
    let instructionSet: String
    let threads: Int
    let weightBytes: Int
    let prefill: Phase?
    let decode: Phase?
    /// Decoding with exits, where it was asked for.
    var exits: ExitBenchmark.Report?
    /// The machine's limits, where they were asked for.
    var limits: LimitBenchmark.Report?

    var text: String {
        var lines = [
            "\(model), \(format) weights of \(byteCount(weightBytes))"
                + (kvCache == "f32" ? "" : ", \(kvCache) KV cache") + ", \(instructionSet), \(threads) threads"
        ]
        for (name, phase) in [("prefill", prefill), ("decode", decode)] {
            guard let phase else { continue }
            let title = "\(name) \(phase.tokens)".padding(toLength: 14, withPad: " ", startingAt: 0)
            lines.append(title + phase.tokensPerSecond.text("tokens/s"))
            lines.append(
                "".padding(toLength: 14, withPad: " ", startingAt: 0)
                    + phase.bytesPerSecond.scaled(by: 1e-9).text("GB/s touched"))
        }
        if let exits { lines.append(exits.text) }
        if let limits { lines.append(limits.text) }
        return lines.joined(separator: "\n")
    }
}

/// Measures a model.
struct Benchmark {
    let model: LanguageModel
    let prompt: Int
    let tokens: Int
    let repetitions: Int

    /// Runs the prompt and the tokens after it, once for nothing and then as often as asked for, one sequence at a time.
    func report() -> BenchReport {
        let decoder = FullDepthDecoder(model.stack)
        func someTokens(_ count: Int) -> [Token] { Benchmark.someTokens(count, of: model.stack.vocabularySize) }
        var (prefills, decodes) = (Timings(count: prompt), Timings(count: tokens))
        for round in 0...repetitions {
            let state = model.stack.makeState(history: 0), isCounted = round > 0
            prefills.measure(isCounted) { model.stack.prefill(someTokens(prompt), state).ledger }
            decodes.measure(isCounted) {
                someTokens(tokens).reduce(into: Ledger()) { $0 += decoder.step($1, state).ledger }
            }
        }
        return BenchReport(
            model: model.family, format: model.format.description, kvCache: model.cacheFormat.rawValue,
            instructionSet: model.stack.device.instructionSetName, threads: model.stack.device.threads,
            weightBytes: model.weightBytes, prefill: prefills.phase, decode: decodes.phase)
    }

    /// Tokens without a meaning, always the same.
    static func someTokens(_ count: Int, of vocabulary: Int) -> [Token] {
        (0..<count).map { Token(($0 * 7919 + 13) % vocabulary) }
    }

    /// How long some tokens took, each time.
    private struct Timings {
        let count: Int
        private var seconds: [Double] = []
        private var cost = Cost()

        init(count: Int) {
            self.count = count
        }

        /// Does the work, if there is any, and remembers how long it took where it counts.
        mutating func measure(_ isCounted: Bool, _ work: () -> Ledger) {
            guard count > 0 else { return }
            let start = ContinuousClock.now
            cost = work().cost
            if isCounted { seconds.append(start.duration(to: .now).seconds) }
        }

        var phase: BenchReport.Phase? {
            guard count > 0 else { return nil }
            return BenchReport.Phase(
                tokens: count, tokensPerSecond: BenchReport.Rate(seconds.map { Double(count) / $0 }),
                bytesPerSecond: BenchReport.Rate(seconds.map { Double(cost.bytes) / $0 }),
                multiplyAddsPerSecond: BenchReport.Rate(seconds.map { Double(cost.multiplyAdds) / $0 }))
        }
    }
}
