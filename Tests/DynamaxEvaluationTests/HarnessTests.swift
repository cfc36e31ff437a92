import DynamaxBundledModels
import DynamaxEvaluation
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText
import Foundation
import TestSupport
import Testing

// Oracle: lm-evaluation-harness 0.4.13 with transformers in float32, which asked the same model about the same documents
// (Tests/Fixtures/Scripts/make_task_references.py model FOLDER).

@Suite(.mayNotHang) struct HarnessTests {
    private static let model = "models/stories260K"

    @Test(
        "a model's answers, scores and figures are those that the harness finds",
        .enabled(if: Shared.has(HarnessTests.model)))
    func answers() throws {
        let references = try JSONNode(contentsOf: Fixtures.url("tasks/stories260K.json").path).array("cases")
        #expect(references.count == 27)
        let files = try CheckpointFiles(Shared.url(HarnessTests.model).path)
        let model = try LanguageModel(files, cacheFormat: .f32, on: Device(threads: 2))
        let tokenizer = try Tokenizer(files)
        let tokens = try HarnessTokens(tokenizer, limit: try #require(model.context))
        let policies = [try EvaluationPolicy(PolicySpecification("off"), model, fingerprint: "")]
        let folder = try TemporaryFolder()
        for (number, reference) in references.enumerated() {
            let task = try HarnessTests.task(reference)
            let evaluation = try Evaluation(
                model, tokens, stopTokens: Set(tokenizer.eosTokens), policies: policies, tasks: [task])
            let store = try RunStore(
                "\(folder.path)/\(number)", manifest: evaluation.manifest(model: "", fingerprint: "", version: ""),
                items: evaluation.items)
            try evaluation.run(into: store)
            try HarnessTests.compare(EvaluationRun(contentsOf: store.path), reference)
        }
    }

    @Test("a tokenizer's settings may ask for fewer spaces", arguments: [true, false])
    func tidySpaces(_ asks: Bool) throws {
        let folder = try TemporaryFolder()
        let own = try BundledModel.storiesLlama.folder() + "/tokenizer.json"
        try FileManager.default.copyItem(atPath: own, toPath: folder.path + "/tokenizer.json")
        try folder.write("tokenizer_config.json", "{\"clean_up_tokenization_spaces\": \(asks)}")
        #expect(try Tokenizer(at: folder.path).asksForTidySpaces == asks)
    }

    private static func task(_ reference: JSONNode) throws -> Evaluation.Task {
        let file = { (part: String) in try Fixtures.url("tasks/\(reference.string("name"))\(part).jsonl").path }
        let task = try TaskCatalogue.task(reference.string("task"))
        let data = try TaskData(contentsOf: file(""), examples: reference.bool("examples") ? file("_train") : nil)
        let options = TaskOptions(fewShot: try reference.optionalInt("shots"))
        return try Evaluation.Task(task, task.items(from: data, options: options), data: data, options: options)
    }

    private static func compare(_ run: EvaluationRun, _ reference: JSONNode) throws {
        let name = try "\(reference.string("name")), \(reference.optionalInt("shots") ?? 0) examples"
        let samples = try reference.array("samples")
        let rows = Dictionary(uniqueKeysWithValues: run.rows.map { ($0.key.item, $0) })
        #expect(rows.count == samples.count)
        // Metrics that follow the last digits of likelihoods.
        var smooth: Set<String> = []
        func tolerance(_ metric: Metric, _ value: Double) -> Double {
            (smooth.contains(metric.key) ? 1e-4 : 1e-6) * max(1, abs(value))
        }
        for (index, sample) in samples.enumerated() {
            let row = try #require(rows["\(index)"])
            let answers = try sample.array("answers")
            switch row.answer {
            case .text(let text):
                #expect(Array(text.utf8) == Array(try answers[0].string().utf8), "\(name): \(index)")
            case .logLikelihoods(let values):
                #expect(values.count == answers.count)
                for (value, answer) in zip(values, answers) {
                    // That of a whole text has no word on greedy decoding.
                    let parts = (try? answer.array()) ?? [answer]
                    #expect(try abs(value.sum - parts[0].double()) < 1e-3, "\(name): \(index)")
                    if parts.count > 1 { #expect(try value.isGreedy == parts[1].bool(), "\(name): \(index)") }
                }
            }
            for (key, expected) in try sample.node("scores").object() {
                let metric = try #require(run.manifest.tasks[0].metrics.first { $0.harnessKey == key })
                let score = try #require(row.scores.first { $0.metric == metric.key })
                // Those of words and bytes have weights.
                let value = JSONNode(expected, location: name)
                let parts = try (try? value.array())?.map { try $0.double() } ?? [value.double()]
                if case .logLikelihoods = row.answer, ![0, 1].contains(parts[0]) { smooth.insert(metric.key) }
                #expect(abs(score.value - parts[0]) < tolerance(metric, parts[0]), "\(name): \(index), \(key)")
                if parts.count > 1 { #expect(score.weight == parts[1]) }
            }
        }
        let results = try reference.node("results")
        for figure in try #require(RunStatistics(run, resamples: 2).cells.first).metrics {
            let key = figure.metric.harnessKey
            guard let expected = try results.optionalDouble(key) else { continue }
            #expect(abs(figure.value - expected) < tolerance(figure.metric, expected), "\(name): \(key)")
            // Others are found by resamples.
            guard figure.metric.aggregation == .mean else { continue }
            let error = try results.optionalDouble(key.replacing(",", with: "_stderr,"))
            guard let error, let own = figure.standardError else {
                #expect(error == nil && figure.standardError == nil, "\(name): error of \(key)")
                continue
            }
            #expect(abs(own - error) < tolerance(figure.metric, error), "\(name): error of \(key)")
        }
    }
}
