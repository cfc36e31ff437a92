import DynamaxEvaluation
import DynamaxFormats
import DynamaxLayers
import DynamaxModels
import Foundation
import TestSupport
import Testing

// Oracles: numpy, scipy's bootstrap over sums of groups, scikit-learn's scores of classifiers, and the standard error of
// lm-evaluation-harness, of a run that was made up (Tests/Fixtures/Scripts/make_run_statistics.py).

@Suite struct RunStatisticsTests {
    private let fixture: JSONNode
    private let statistics: RunStatistics

    init() throws {
        let file = try JSONNode(contentsOf: Fixtures.url("evaluation/run.json").path)
        fixture = file
        let exits = try file.array("exits").map { try $0.int() }
        let policies = try file.array("policies").map { node in
            let name = try node.string()
            return RunManifest.Policy(
                name: name, guarantee: name == "off" ? "off" : "none", exit: name == "off" ? nil : name,
                exitLayers: name == "off" ? [] : exits, state: "deferred")
        }
        let tasks = [
            ("chat", [Metric("f1"), Metric("perplexity", isHigherBetter: false, .weightedPerplexity)]),
            ("quiz", [Metric("acc"), Metric("f1", .macroF1)]),
        ].map {
            RunManifest.TaskEntry(name: $0.0, metrics: $0.1, dataDigest: "", items: 24, options: TaskOptions())
        }
        let manifest = RunManifest(
            model: .init(
                name: "m", fingerprint: "", family: "llama", layers: try file.int("layers"), weights: "", kvCache: ""),
            machine: .init(instructionSet: "", threads: 1, version: ""), tasks: tasks, policies: policies)
        // Items are not listed, so their names tell their groups; and rows come in another order.
        let rows = try file.array("rows").map(RunStatisticsTests.row)
        statistics = RunStatistics(
            EvaluationRun(manifest: manifest, items: [], rows: rows.reversed()), resamples: 4000)
    }

    private static func row(_ node: JSONNode) throws -> RunRow {
        let tokens = try node.array("tokens").map { token in
            RunRow.TokenRecord(
                text: try token.string("text"), choice: try token.int("choice"), layer: try token.int("layer"),
                exitScore: try token.optionalDouble("score").map(Float.init), agrees: try token.optionalBool("agrees"))
        }
        var ledger = Ledger()
        ledger.cost.bytes = try node.int("bytes")
        ledger.cost.multiplyAdds = try node.int("multiply_adds")
        let scores = try node.object("scores").keys.map { key in
            let pair = try node.node("scores").array(key).map { try $0.double() }
            return Score(key, pair[0], weight: pair[1])
        }
        let answer: RunRow.Answer =
            if let text = try node.optionalString("text") {
                .text(text)
            } else {
                .logLikelihoods(try node.array("sums").map { LogLikelihood(sum: try $0.double(), isGreedy: false) })
            }
        return RunRow(
            .init(task: try node.string("task"), policy: try node.string("policy"), item: try node.string("item")),
            answer: answer, tokens: tokens, scores: scores, ledger: ledger, seconds: try node.double("seconds"))
    }

    /// A figure with its interval and deviation, as the fixture has them; what it does not have is not compared.
    private func expect(
        _ estimate: Estimate?, error: Double? = nil, _ node: JSONNode, _ what: String
    ) throws {
        let estimate = try #require(estimate, "\(what)")
        let expected = try node.array().map { node in
            if case .null = node.value { nil as Double? } else { try node.double() }
        }
        #expect(abs(estimate.value - (expected[0] ?? .nan)) < 1e-9 * max(1, abs(estimate.value)), "\(what)")
        if let low = expected[1], let high = expected[2], let interval = estimate.interval {
            // Random resamples tell intervals to some percent of their width, here with spare groups as few as six.
            let slack = 0.08 * (high - low) + 1e-9
            #expect(abs(interval.lowerBound - low) < slack && abs(interval.upperBound - high) < slack, "\(what)")
        }
        if let error, let deviation = expected[3] {
            #expect(abs(error - deviation) < 0.06 * deviation + 1e-9, "\(what)")
        }
    }

    @Test("figures of tasks, their errors and the differences to the full model are those of the oracles")
    func metrics() throws {
        for node in try fixture.array("cells") {
            let (task, policy) = (try node.string("task"), try node.string("policy"))
            let cell = try #require(statistics.cell(task, policy))
            for figure in cell.metrics {
                let what = "\(task) \(policy) \(figure.metric.key)"
                try expect(
                    Estimate(figure.value), error: figure.standardError,
                    node.node("metrics").node(figure.metric.key), what)
                #expect((figure.difference == nil) == cell.isReference)
                if let difference = figure.difference {
                    try expect(difference, node.node("differences").node(figure.metric.key), what + ", difference")
                }
            }
        }
        let accuracy = try #require(statistics.cell("quiz", "depth:3")?.metrics.first)
        let expected = try fixture.array("cells")[5].node("metrics").array("acc")[3].double()
        #expect(abs((accuracy.standardError ?? 0) - expected) < 1e-12)
    }

    @Test("depth, compute, agreement and likeness are those of the oracles")
    func compute() throws {
        for node in try fixture.array("cells") {
            let (task, policy) = (try node.string("task"), try node.string("policy"))
            let cell = try #require(statistics.cell(task, policy))
            #expect(cell.tokens == (try node.int("tokens")) && cell.items == 24)
            try expect(cell.depth, node.node("layers"), "layers")
            try expect(cell.agreement, node.node("agreement"), "agreement")
            #expect(Set(cell.depths.counts.keys.map { "\($0)" }) == Set(try node.object("counts").keys))
            for (layer, count) in cell.depths.counts { #expect(count == (try node.node("counts").int("\(layer)"))) }
            guard !cell.isReference else {
                #expect(cell.likeness == nil && cell.bytesShare == nil && cell.speed == nil)
                continue
            }
            try expect(cell.bytesShare, node.node("bytes_share"), "bytes")
            try expect(cell.multiplyAddsShare, node.node("multiply_adds_share"), "multiply-adds")
            let time = try node.array("time_share").map { try $0.double() }
            #expect(abs((cell.speed?.value ?? 0) - 1 / time[0]) < 1e-9)
            let likeness = try #require(cell.likeness)
            #expect(abs(likeness.same.value - (try node.double("same"))) < 1e-12)
            for (name, estimate) in [
                ("token_f1", likeness.tokenF1), ("rouge_l", likeness.rougeL),
                ("first_divergence", likeness.firstDivergence),
            ] {
                #expect((estimate == nil) == (task == "quiz"))
                if let estimate { #expect(abs(estimate.value - (try node.double(name))) < 1e-9, "\(name)") }
            }
        }
    }

    @Test("calibration, discrimination and risk of scores are those of the oracles")
    func calibration() throws {
        for node in try fixture.array("cells") where node.value["calibration"] != nil {
            let expected = try node.node("calibration")
            let cell = try #require(try statistics.cell(node.string("task"), node.string("policy")))
            let found = try #require(cell.calibration)
            #expect(found.count == (try expected.int("count")))
            for (name, value) in [
                ("agreement", found.agreement), ("brier", found.brier), ("auroc", found.auroc),
                ("risk_area", found.riskArea),
                ("expected_calibration_error", found.reliability?.expectedCalibrationError),
            ] {
                #expect(abs((value ?? .nan) - (try expected.double(name))) < 1e-6, "\(name)")
            }
            #expect(found.risks.count == (try expected.array("coverage").count))
            for (index, place) in found.risks.enumerated() {
                #expect(abs(place.coverage - (try expected.array("coverage")[index].double())) < 1e-9)
                #expect(abs(place.risk - (try expected.array("risk")[index].double())) < 1e-9)
            }
        }
    }

    @Test("scores that are all right, all wrong or none have no discrimination")
    func degenerate() throws {
        #expect(ScoreCalibration([], areProbabilities: true) == nil)
        #expect(ScoreCalibration([(.nan, true)], areProbabilities: true) == nil)
        let right = try #require(ScoreCalibration([(0.5, true), (0.9, true)], areProbabilities: true))
        #expect(right.auroc == nil && right.riskArea == 0 && right.risks.count == 2)
        let level = try #require(ScoreCalibration([(-2, true), (-2, false)], areProbabilities: false))
        #expect(level.auroc == 0.5 && level.riskArea == 0.5 && level.reliability == nil && level.brier == nil)
    }

    @Test("intervals hold the truth as often as they say")
    func coverage() {
        var random = Seeded(5)
        var held = 0
        for trial in 0..<300 {
            // Pairs with a common part, as the answers of two policies have: the difference is 0.1 in truth.
            let differences = (0..<60).map { _ in
                Double(0.1 + random.floats(12).reduce(0, +) / 2)
            }
            let interval = Bootstrap(count: 60, resamples: 400, seed: UInt64(trial)).mean(differences).interval
            if interval?.contains(0.1) == true { held += 1 }
        }
        // The percentile bootstrap of 60 items holds a little less than it says; three deviations are 0.04.
        #expect((0.90...0.98).contains(Double(held) / 300), "\(held)")
    }

    @Test("items of one group are drawn together, so a task of copies is no surer than one of originals")
    func groups() {
        var random = Seeded(9)
        let values = (0..<40).map { _ in Double(random.floats(1)[0]) }
        let single = Bootstrap(count: 40).mean(values)
        let copied = Bootstrap(groups: (0..<160).map { $0 / 4 }).mean((0..<160).map { values[$0 / 4] })
        #expect(single.interval == copied.interval)
        #expect(abs(single.value - copied.value) < 1e-12)
        let wrong = Bootstrap(count: 160).mean((0..<160).map { values[$0 / 4] })
        let (honest, narrow) = (single.interval ?? 0...0, wrong.interval ?? 0...0)
        #expect(narrow.upperBound - narrow.lowerBound < 0.6 * (honest.upperBound - honest.lowerBound))
    }

    @Test("places in answers fall into ranges, each choice from its own beginning")
    func places() {
        var depths = ExitDepths()
        func tokens(_ layers: [Int], choice: Int) -> [RunRow.TokenRecord] {
            layers.map { .init(text: "", choice: choice, layer: $0) }
        }
        depths.add(tokens([1, 2, 3, 3, 4], choice: 0) + tokens([5, 6], choice: 1))
        #expect(depths.counts == [1: 1, 2: 1, 3: 2, 4: 1, 5: 1, 6: 1] && depths.tokens == 7)
        #expect(depths.buckets.map(\.name) == ["0", "1", "2–3", "4–7"])
        #expect(depths.buckets.map(\.counts) == [[1: 1, 5: 1], [2: 1, 6: 1], [3: 2], [4: 1]])
        var sum = ExitDepths()
        sum.add(depths)
        sum.add(depths)
        #expect(sum.tokens == 14 && sum.buckets.map(\.name) == depths.buckets.map(\.name))
    }

    @Test("a run without a full model, without rows, or with missing ones has what can be had")
    func missing() {
        var run = SyntheticRun.run(items: 10)
        run.rows.removeAll { $0.key.policy == "softmax:0.9" && ($0.key.item == "3" || $0.key.task == "boolq") }
        let some = RunStatistics(run)
        #expect(some.cell("boolq", "softmax:0.9") == nil && some.cell("arc_easy", "softmax:0.9")?.items == 9)
        #expect(some.cell("arc_easy", "softmax:0.9")?.main?.difference != nil)
        run.rows.removeAll { $0.key.policy == "off" }
        let without = RunStatistics(run)
        #expect(without.cells.allSatisfy { $0.likeness == nil && $0.metrics.allSatisfy { $0.difference == nil } })
        run.rows = []
        #expect(RunStatistics(run).cells.isEmpty && RunStatistics(run).policies.count == run.manifest.policies.count)
    }
}
