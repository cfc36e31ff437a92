import DynamaxBundledModels
import DynamaxDepth
import DynamaxEvaluation
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText
import Foundation
import TestSupport
import Testing

// Oracles: a fresh run of the full model over each text by itself; decoding token by token; definitions.

@Suite(.mayNotHang) struct ScoringTests {
    private static let limit = 96

    /// A model with what is needed to ask it.
    private struct Subject {
        let model: LanguageModel
        let tokenizer: Tokenizer
        let tokens: HarnessTokens
        let stops: Set<Token>

        init(_ bundled: BundledModel = .storiesLlama, limit: Int = ScoringTests.limit) throws {
            let files = try CheckpointFiles(bundled.folder())
            model = try LanguageModel(files, on: Device(threads: 2))
            tokenizer = try Tokenizer(files)
            tokens = try HarnessTokens(tokenizer, limit: limit)
            stops = Set(tokenizer.eosTokens)
        }

        func policies(_ names: [String]) throws -> [EvaluationPolicy] {
            try PolicySpecification.all(names).map { try EvaluationPolicy($0, model, fingerprint: "digest") }
        }

        func run(_ tasks: [Evaluation.Task], _ policies: [String], batch: Int = 64) throws -> [RunRow] {
            try evaluate(tasks, policies, batch: batch).rows
        }

        func evaluate(
            _ tasks: [Evaluation.Task], _ policies: [String], batch: Int = 64
        ) throws -> (rows: [RunRow], work: EvaluationWork) {
            let folder = try TemporaryFolder()
            let evaluation = try Evaluation(
                model, tokens, stopTokens: stops, policies: self.policies(policies), tasks: tasks,
                batch: batch)
            let store = try RunStore(
                folder.path + "/run", manifest: evaluation.manifest(model: "m", fingerprint: "digest", version: "v"),
                items: evaluation.items)
            let work = try evaluation.run(into: store)
            let rows = try EvaluationRun(contentsOf: store.path).rows
            #expect(Set(rows.map(\.key)).count == rows.count)
            return (rows, work)
        }
    }

    private static func task(_ name: String, _ documents: [JSON]) throws -> Evaluation.Task {
        let task = try TaskCatalogue.task(name)
        let data = TaskData(documents: documents.map { JSONNode($0, location: "test") })
        return try Evaluation.Task(
            task, task.items(from: data, options: TaskOptions()), data: data, options: TaskOptions())
    }

    private static let questions: [JSON] = [
        [
            "query": "Question: Lily went to the park with her\nAnswer:",
            "choices": ["mom", "mom and her dad", "big red ball"], "gold": 0,
        ],
        ["query": "Question: The sun was\nAnswer:", "choices": ["a", "b", "c", "d"], "gold": 2],
        [
            "query": .string(
                "Question: " + String(repeating: "Once upon a time there was a dog. ", count: 20) + "\nAnswer:"),
            "choices": ["He ran.", "It was a dog who was very happy."], "gold": 1,
        ],
    ]
    private static let stories = "Once upon a time there was a little cat. The cat liked to play in the sun. "

    private static let policyNames = [
        "depth:3", "softmax:0.4", "margin:0.2", "exact:softmax:0.3", "softmax:0.3:state=project:layers=2,4",
        "saturation:0.9", "reduced:0.6",
    ]

    /// What a policy says of tokens after a context, by itself and token by token.
    private func answers(
        _ asked: AskedTokens, _ policy: EvaluationPolicy, _ model: LanguageModel
    ) throws -> [ForcedRows.Answer] {
        let exits = policy.specification.guarantee == .exact ? nil : policy.exits
        let alone = try exits ?? ExitPolicy(.depth(model.stack.layerCount), of: model.stack.layerCount)
        var decoder = try EarlyExitDecoder(model.stack, alone, state: policy.specification.state)
        return try decoder.force(
            ForcedRows(
                decoder.makeState(history: 0), Array(asked.tokens.dropLast()),
                questions: asked.tokens.suffix(asked.asked).map { [$0] })
        ).rows
    }

    @Test(
        "likelihoods are those of each text alone, token by token, whatever else is asked",
        arguments: [BundledModel.storiesLlama, .storiesMamba2])
    func likelihoods(_ bundled: BundledModel) throws {
        let subject = try Subject(bundled)
        let names =
            bundled == .storiesLlama
            ? Self.policyNames : ["depth:3", "softmax:0.4", "exact:softmax:0.3", "softmax:0.3:state=skip"]
        let policies = try subject.policies(names)
        let tasks = [
            try Self.task("arc_easy", Self.questions),
            try Self.task(
                "perplexity", [["text": .string(String(repeating: Self.stories, count: 12))], ["text": "A dog."]]),
        ]
        let rows = try subject.run(tasks, names)
        #expect(rows.count == 5 * policies.count)
        for row in rows {
            let policy = try #require(policies.first { $0.name == row.key.policy })
            let item = try #require(tasks.flatMap(\.items).first { "\($0.id)" == row.key.item && Self.isOf($0, row) })
            let texts: [AskedTokens] =
                switch item.request {
                case .choices(let choices): try choices.map { try subject.tokens.continuation($0) }
                case .text(let text): subject.tokens.windows(text)
                case .generation: []
                }
            let expected = try texts.map { try answers($0, policy, subject.model) }
            let full = try texts.map { try answers($0, policies[0], subject.model) }
            guard case .logLikelihoods(let values) = row.answer else { throw TaskError.response(item: row.key.item) }
            let isWhole = row.key.task == "perplexity"
            let all: [ForcedRows.Answer] = expected.flatMap(\.self)
            let fullModel: [ForcedRows.Answer] = full.flatMap(\.self)
            let sums: [Double] = expected.map { answers in answers.reduce(0) { $0 + $1.logProbabilities[0] } }
            #expect(values.map(\.sum) == (isWhole ? [sums.reduce(0, +)] : sums), "\(row.key)")
            let logarithms: [Double?] = all.map { $0.logProbabilities[0] }
            #expect(row.tokens.map(\.logProbability) == logarithms, "\(row.key)")
            #expect(row.tokens.map(\.layer) == all.map(\.layer), "\(row.key)")
            let agrees: [Bool?] = zip(all, fullModel).map { $0.likeliest == $1.likeliest }
            #expect(row.tokens.map(\.agrees) == agrees, "\(row.key)")
            let greedy: [Bool] = zip(expected, texts).map { answers, text in
                answers.map(\.likeliest) == Array(text.tokens.suffix(text.asked))
            }
            #expect(values.map(\.isGreedy) == (isWhole ? [greedy.allSatisfy(\.self)] : greedy))
            #expect(try item.score(.logLikelihoods(values)) == row.scores)
        }
        // Exits made a difference.
        let layers = Set(rows.filter { $0.key.policy == "softmax:0.4" }.flatMap { $0.tokens.map(\.layer) })
        #expect(layers.count > 1)
        // Other company, the same rows.
        for (index, question) in Self.questions.enumerated() {
            let alone = try subject.run([Self.task("arc_easy", [question])], names)
            for row in alone {
                let other = try #require(
                    rows.first { $0.key == .init(task: "arc_easy", policy: row.key.policy, item: "\(index)") })
                #expect(row.tokens == other.tokens && row.answer == other.answer && row.ledger == other.ledger)
            }
        }
    }

    private static func isOf(_ item: TaskItem, _ row: RunRow) -> Bool {
        if case .text = item.request { row.key.task == "perplexity" } else { row.key.task == "arc_easy" }
    }

    @Test(
        "texts are written as by themselves, and each token is compared with the full model",
        arguments: [BundledModel.storiesLlama, .storiesMamba2])
    func writing(_ bundled: BundledModel) throws {
        let subject = try Subject(bundled)
        let items = ["Once upon a time, there was a", "Once upon a time, there was an old", "Lily"].enumerated().map {
            TaskItem(
                id: "\($0)", context: $1, limits: WritingLimits(stops: [". ", "\n"], maximumTokens: 40), references: []
            ) { [Score("length", Double($0.utf8.count))] }
        }
        let task = Evaluation.Task(
            try TaskCatalogue.task("triviaqa"), items, data: TaskData(documents: []), options: TaskOptions())
        let names =
            ["softmax:0.4", "exact:softmax:0.3:drafts=4"] + (bundled == .storiesLlama ? ["softmax:0.3:state=copy"] : [])
        let rows = try subject.run([task], names)
        #expect(rows.count == 3 * (1 + names.count))
        for row in rows {
            let policy = try #require(subject.policies(names).first { $0.name == row.key.policy })
            let item = items[Int(row.key.item) ?? 0]
            guard case .generation(let context, let limits) = item.request, case .text(let answer) = row.answer else {
                throw TaskError.response(item: item.id)
            }
            let prompt = try subject.tokens.prompt(context, room: 40)
            var decoder: any DynamaxModels.Decoder = FullDepthDecoder(subject.model.stack)
            if let exits = policy.exits {
                decoder =
                    policy.specification.guarantee == .exact
                    ? SelfSpeculativeDecoder(subject.model.stack, exits, drafts: .fixed(4))
                    : try EarlyExitDecoder(subject.model.stack, exits, state: policy.specification.state)
            }
            let text = try WrittenText(
                subject.model, decoder, prompt: prompt, limits: .init(tokens: 40, stopTokens: subject.stops))
            // The definition: as many tokens as it takes for a stop to appear.
            var count = 0
            while count < text.tokens.count {
                count += 1
                let beginning = try subject.tokenizer.decode(Array(text.tokens.prefix(count)))
                if limits.stops.contains(where: { beginning.contains($0) }) { break }
            }
            let tokens = Array(text.tokens.prefix(count))
            #expect(row.tokens.count == count, "\(row.key)")
            #expect(answer == limits.cut(try subject.tokenizer.decode(tokens)))
            #expect(row.tokens.map(\.text).joined() == (try subject.tokenizer.decode(tokens)))
            #expect(row.tokens.map(\.layer) == text.choices.prefix(count).map(\.layer))
            var full: [Bool?] = []
            for index in tokens.indices {
                let state = subject.model.stack.makeState(history: 0)
                let logits = Array(
                    subject.model.append(prompt + tokens[..<index], to: state)
                        .suffix(subject.model.stack.vocabularySize))
                full.append(logits.firstIndex(of: logits.max() ?? 0) == Int(tokens[index]))
            }
            #expect(row.tokens.map(\.agrees) == full, "\(row.key)")
            if policy.specification.guarantee == .exact {
                #expect(rows.first { $0.key.policy == "off" && $0.key.item == row.key.item }?.answer == row.answer)
            }
        }
    }

    @Test("what texts begin with runs once, whatever the policies")
    func shared() throws {
        let subject = try Subject()
        let layers = subject.model.stack.layerCount
        let task = try Self.task(
            "arc_easy",
            ["Lily", "Tom", "Ben"].map { name in
                [
                    "query": .string("Once upon a time there was a child in a big house. \(name) went to the\nAnswer:"),
                    "choices": ["park with mom", "zoo with dad", "old house"], "gold": 0,
                ]
            })
        var (beginnings, own) = (Set<[Token]>(), 0)
        for item in task.items {
            guard case .choices(let choices) = item.request else { throw TaskError.response(item: item.id) }
            for text in try choices.map({ try subject.tokens.continuation($0) }) {
                for end in 1..<text.tokens.count { beginnings.insert(Array(text.tokens[..<end])) }
                own += text.asked
            }
        }
        // The last row of a context says what comes first, to each of three choices by itself.
        let again = 2 * task.items.count
        func rows(_ policies: [String]) throws -> Int {
            let ledger = try subject.evaluate([task], policies).work.ledger
            return ledger.layerRows + ledger.catchUpRows
        }
        let full = try rows([])
        #expect(full == (beginnings.count + again) * layers)
        #expect(try rows(["depth:3", "exact:depth:3"]) == full + own * 3)
    }

    @Test(
        "what runs together is what runs alone, ledgers included",
        arguments: [BundledModel.storiesLlama, .storiesMamba2])
    func together(_ bundled: BundledModel) throws {
        let subject = try Subject(bundled)
        let stories = (0..<7).map { number in
            String(Self.stories.dropFirst(number * 9)) + String(repeating: "The end. ", count: number % 3 * 4)
        }
        let items = stories.enumerated().map {
            TaskItem(
                id: "\($0)", context: $1, limits: WritingLimits(stops: ["\n"], maximumTokens: 10 + 5 * $0),
                references: []
            ) { _ in [Score("exact_match", 0)] }
        }
        let tasks = [
            Evaluation.Task(
                try TaskCatalogue.task("triviaqa"), items, data: TaskData(documents: []), options: TaskOptions()),
            try Self.task("arc_easy", Self.questions),
        ]
        let names = [
            "softmax:0.4", "depth:3", "saturation:0.9", "reduced:0.6", "exact:softmax:0.3:drafts=4",
            "softmax:0.4:state=project",
        ]
        let all = try subject.run(tasks, names), pairs = try subject.run(tasks, names, batch: 2)
        let alone = try subject.run(tasks, names, batch: 1)
        func timeless(_ rows: [RunRow]) -> [RunRow.Key: RunRow] {
            let timeless = rows.map {
                RunRow($0.key, answer: $0.answer, tokens: $0.tokens, scores: $0.scores, ledger: $0.ledger, seconds: 0)
            }
            return Dictionary(uniqueKeysWithValues: timeless.map { ($0.key, $0) })
        }
        #expect(alone.count == 10 * 7 && timeless(all) == timeless(alone) && timeless(pairs) == timeless(alone))
        func batched(_ rows: [RunRow]) -> Set<String> {
            Set(rows.filter { $0.isBatched && $0.key.task == "triviaqa" }.map(\.key.policy))
        }
        #expect(batched(alone).isEmpty)
        #expect(batched(all) == ["off", "softmax:0.4", "depth:3", "saturation:0.9", "reduced:0.6"])
    }
}
