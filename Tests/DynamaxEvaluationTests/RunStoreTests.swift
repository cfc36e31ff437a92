import DynamaxEvaluation
import DynamaxFormats
import DynamaxLayers
import DynamaxModels
import Foundation
import TestSupport
import Testing

// Oracles: what was put in; Foundation's reader of JSON.

@Suite struct RunStoreTests {
    static let manifest = RunManifest(
        model: .init(
            name: "m", fingerprint: "abc", family: "llama", layers: 8, weights: "int8/128", kvCache: "f32", context: 256
        ),
        machine: .init(instructionSet: "avx2", threads: 2, version: "0.1.0"),
        tasks: [
            .init(
                name: "arc_easy",
                metrics: [Metric("acc"), Metric("ppl", filter: "none", isHigherBetter: false, .perplexity)],
                dataDigest: "d1", items: 2, options: TaskOptions(limit: 2, fewShot: nil, seed: 7))
        ],
        policies: [
            .init(name: "off", guarantee: "off", exit: nil, exitLayers: [], state: "deferred"),
            .init(
                name: "softmax:0.9", guarantee: "none", exit: "softmax:0.9", exitLayers: [4, 5], state: "deferred",
                fileDigest: "f"),
        ])

    static let items = [
        RunItem(
            task: "arc_easy", id: "0",
            request: .choices([Continuation(" a", after: "Q\n\"é"), Continuation(" b", after: "Q\n\"é")]),
            references: [" a"]),
        RunItem(
            task: "arc_easy", id: "1/2", group: "1",
            request: .choices([Continuation("x", after: "A"), Continuation("x", after: "AB")]), references: []),
        RunItem(
            task: "gsm8k", id: "0",
            request: .generation(context: "c", limits: .init(stops: ["\n\n"], maximumTokens: 9)),
            references: ["1", "2"]),
        RunItem(task: "perplexity", id: "0", request: .text("t"), references: []),
    ]

    static func row(_ item: String, policy: String = "off", sum: Double = -1.25) -> RunRow {
        var ledger = Ledger()
        (ledger.layerRows, ledger.catchUpRows, ledger.cost) = (8, 3, Cost(bytes: 1 << 40, multiplyAdds: 12))
        return RunRow(
            .init(task: "arc_easy", policy: policy, item: item),
            answer: .logLikelihoods([.init(sum: sum, isGreedy: true), .init(sum: -.infinity, isGreedy: false)]),
            tokens: [
                .init(text: " a\u{0}\"", layer: 4, exitScore: 0.1, agrees: false, logProbability: -0.3333333333333333),
                .init(text: "b", choice: 1, layer: 8),
            ],
            scores: [Score("acc", 1), Score("ppl,none", .nan, weight: 3)], ledger: ledger, seconds: 0.000123)
    }

    private func same(_ a: RunRow, _ b: RunRow) -> Bool { "\(a)" == "\(b)" }

    @Test("what was kept is read again as it was")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let written = RunRow(
            .init(task: "gsm8k", policy: "off", item: "0"), answer: .text("an\nanswer"), tokens: [], scores: [],
            ledger: Ledger(), seconds: 0)
        let store = try RunStore(folder.path + "/run/", manifest: Self.manifest, items: Self.items)
        #expect(store.path == folder.path + "/run")
        for row in [Self.row("0"), Self.row("1/2"), written] { try store.append(row) }
        let run = try EvaluationRun(contentsOf: store.path)
        #expect(run.manifest == Self.manifest && run.items == Self.items)
        #expect(run.rows.count == 3 && zip(run.rows, [Self.row("0"), Self.row("1/2"), written]).allSatisfy(same))
        for line in try String(contentsOfFile: store.path + "/rows.jsonl", encoding: .utf8).split(separator: "\n") {
            #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: Any])
        }
    }

    @Test("a line cut short is dropped, and the run goes on")
    func torn() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/run"
        try RunStore(path, manifest: Self.manifest, items: Self.items).append(Self.row("0"))
        let whole = try Data(contentsOf: URL(fileURLWithPath: path + "/rows.jsonl"))
        for cut in [1, 2, whole.count / 2, whole.count - 1] {
            try (whole + whole.prefix(cut)).write(to: URL(fileURLWithPath: path + "/rows.jsonl"))
            #expect(try EvaluationRun(contentsOf: path).rows.count == 1)
            let store = try RunStore(path, manifest: Self.manifest, items: Self.items)
            #expect(store.done == [Self.row("0").key])
            try store.append(Self.row("1/2"))
            #expect(try EvaluationRun(contentsOf: path).rows.map(\.key.item) == ["0", "1/2"])
        }
    }

    @Test("a run of something else is refused, and says what differs")
    func otherRuns() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/run"
        try RunStore(path, manifest: Self.manifest, items: Self.items).append(Self.row("0"))
        func changed(_ change: (inout RunManifest) -> Void) -> RunManifest {
            var manifest = Self.manifest
            change(&manifest)
            return manifest
        }
        let (model, task) = (Self.manifest.model, Self.manifest.tasks[0])
        func entry(_ digest: String, _ options: TaskOptions) -> RunManifest.TaskEntry {
            .init(name: task.name, metrics: task.metrics, dataDigest: digest, items: 2, options: options)
        }
        let cases: [(RunManifest, String)] = [
            (
                changed {
                    $0.model = .init(
                        name: "m", fingerprint: "xyz", family: "llama", layers: 8, weights: model.weights,
                        kvCache: "f32", context: 256)
                }, "another model"
            ),
            (
                changed {
                    $0.model = .init(
                        name: "m", fingerprint: "abc", family: "llama", layers: 8, weights: "f32", kvCache: "f32",
                        context: 256)
                }, "weights held in int8/128, not f32"
            ),
            (changed { $0.tasks = [entry("d2", task.options)] }, "arc_easy with other data"),
            (changed { $0.tasks = [entry("d1", TaskOptions(limit: 3, seed: 7))] }, "limit 2"),
            (changed { $0.policies = [$0.policies[0]] }, "the policies off, softmax:0.9, not off"),
            (
                changed { $0.machine = .init(instructionSet: "neon", threads: 2, version: "") },
                "a machine with avx2, not neon"
            ),
        ]
        for (manifest, part) in cases {
            let error = #expect(throws: FormatError.self) { try RunStore(path, manifest: manifest, items: []) }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
            #expect(error?.description.contains("--force") == true)
        }
        // Threads and the model's name change nothing in the rows.
        let same = changed {
            $0.machine = .init(instructionSet: "avx2", threads: 8, version: "0.2")
        }
        #expect(try RunStore(path, manifest: same, items: []).done.count == 1)
        #expect(try RunStore(path, manifest: cases[0].0, items: [], force: true).done.isEmpty)
        #expect(try EvaluationRun(contentsOf: path).rows.isEmpty)
    }

    @Test("one writes at a time, and what is damaged or in the way is named")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/run"
        let store = try RunStore(path, manifest: Self.manifest, items: Self.items)
        let error = #expect(throws: FormatError.self) { try RunStore(path, manifest: Self.manifest, items: []) }
        #expect(error?.description.hasSuffix("another process is writing to this run") == true)
        try withExtendedLifetime(store) { try store.append(Self.row("0")) }

        let file = try folder.write("file", "")
        #expect(throws: FormatError.self) { try RunStore(file, manifest: Self.manifest, items: []) }
        #expect(throws: FormatError.self) { try RunStore(folder.path + "/a/b", manifest: Self.manifest, items: []) }
        #expect(throws: FormatError.self) { try EvaluationRun(contentsOf: folder.path) }
        let damaged = folder.path + "/damaged"
        _ = try RunStore(damaged, manifest: Self.manifest, items: Self.items)
        for line in ["[]", "{\"task\": 1}", "x", "{\"task\":\"a\",\"policy\":\"p\",\"item\":\"i\",\"tokens\":3}"] {
            try Data("\(line)\n".utf8).write(to: URL(fileURLWithPath: damaged + "/rows.jsonl"))
            let error = #expect(throws: FormatError.self) { try EvaluationRun(contentsOf: damaged) }
            #expect(error?.description.contains("rows.jsonl, line 1") == true, "\(error?.description ?? "")")
        }
    }
}
