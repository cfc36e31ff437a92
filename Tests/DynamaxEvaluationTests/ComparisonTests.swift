import DynamaxEvaluation
import DynamaxFormats
import DynamaxModels
import TestSupport
import Testing

// Oracle: figures worked out by hand.

@Suite struct ComparisonTests {
    /// A run of a task `t` with items 0, 1, … of which two make a group, each with a score and a text.
    private func run(_ answers: [(Double, String)], digest: String = "d", policy: String = "off") -> EvaluationRun {
        var manifest = RunStoreTests.manifest
        manifest.tasks = [
            .init(
                name: "t", metrics: [Metric("acc"), Metric("ppl", isHigherBetter: false, .perplexity)],
                dataDigest: digest, items: answers.count, options: TaskOptions())
        ]
        manifest.policies = [.init(name: policy, guarantee: "off", exit: nil, exitLayers: [], state: "deferred")]
        return EvaluationRun(
            manifest: manifest,
            items: answers.indices.map {
                RunItem(task: "t", id: "\($0)", group: "\($0 / 2)", prompt: "", references: [])
            },
            rows: answers.enumerated().map { index, answer in
                RunRow(
                    .init(task: "t", policy: policy, item: "\(index)"), answer: .text(answer.1), tokens: [],
                    scores: [Score("acc", answer.0), Score("ppl", -answer.0)], ledger: Ledger(), seconds: 0)
            })
    }

    @Test("items are paired, and groups resampled")
    func figures() throws {
        let first = run([(1, "a b c"), (0, "x"), (1, "d e"), (1, "only here")])
        let second = run([(1, "a b c"), (1, "y"), (0, "d f e")], policy: "p")
        let comparison = try RunComparison(.init(first, path: "1"), .init(second, path: "2", policy: "p"))
        let task = try #require(comparison.tasks.first)
        #expect(task.items == 3 && comparison.tasks.count == 1)
        let accuracy = task.metrics[0]
        #expect(accuracy.first == 2.0 / 3 && accuracy.second == 2.0 / 3 && accuracy.difference.value == 0)
        // Two groups: one gains 1 of 2, the other loses 1 of 1.
        #expect(accuracy.difference.interval == -1...0.5)
        let texts = try #require(task.texts)
        let mean = 1.8 / 3
        #expect(abs(texts.tokenF1.value - mean) < 1e-12)
        #expect(abs(texts.rougeL.value - mean) < 1e-12)
        #expect(texts.equal.value == 1.0 / 3)
        #expect(texts.firstDivergence.value == 4.0 / 3)
        #expect("\(comparison.json)".contains(#""task":"t","items":3"#))
    }

    @Test("what cannot be compared is refused")
    func refusals() throws {
        let first = run([(1, "a")])
        func problem(_ other: EvaluationRun, policy: String = "off") -> String? {
            let error = #expect(throws: FormatError.self) {
                try RunComparison(.init(first, path: "1"), .init(other, path: "2", policy: policy))
            }
            return error?.description
        }
        #expect(problem(run([(1, "a")], digest: "e")) == "2: t was asked of other documents than in 1")
        #expect(problem(run([(1, "a")]), policy: "q") == "2: the run has no policy q, only off")
        var other = run([(1, "a")])
        other.manifest.tasks = RunStoreTests.manifest.tasks
        #expect(problem(other) == "2: the run has no task in common with 1")
    }
}
