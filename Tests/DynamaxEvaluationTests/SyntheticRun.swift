import DynamaxEvaluation
import DynamaxLayers
import DynamaxModels
import TestSupport

/// A run that no model made: of some tasks of each form under some policies, always the same one for a seed.
struct SyntheticRun {
    static let layers = 8
    private var random: Seeded
    private let items: Int

    /// Words of answers, some of which would do harm where a page forgot what they are.
    private static let words = [
        "the", " little", " girl", " went", " to", " a", " park", ".", "\n", " she", " saw", " big", " dog", ",",
        " “hello”",
        " café", " 日本", " 👩‍👩‍👧", "</script>", "<b onclick=x>", " &amp;", "]]>", "\u{202E}x", "\u{2028}", "\u{0}", "<!--",
    ]

    private static let metrics: [(task: String, metrics: [Metric])] = [
        ("arc_easy", [Metric("acc"), Metric("acc_norm")]),
        ("boolq", [Metric("acc")]),
        ("coqa", [Metric("em"), Metric("f1")]),
        ("lambada_openai", [Metric("perplexity", isHigherBetter: false, .perplexity), Metric("acc")]),
        (
            "truthfulqa_gen",
            [Metric("bleu_max", isShare: false), Metric("bleu_acc"), Metric("rougeL_max", isShare: false)]
        ),
        ("wikitext", [Metric("word_perplexity", isHigherBetter: false, .weightedPerplexity)]),
    ]

    static let policies = [
        policy("off", nil), policy("softmax:0.9", "softmax:0.9"), policy("softmax:0.7", "softmax:0.7"),
        policy("softmax:0.5", "softmax:0.5"), policy("entropy:1", "entropy:1"),
        policy("exact:softmax:0.7", "softmax:0.7", guarantee: "exact"), policy("depth:4", "depth:4"),
    ]

    private static func policy(_ name: String, _ exit: String?, guarantee: String = "none") -> RunManifest.Policy {
        .init(
            name: name, guarantee: exit == nil ? "off" : guarantee, exit: exit,
            exitLayers: exit == nil ? [] : exit == "depth:4" ? [4] : [4, 5, 6, 7], state: "deferred")
    }

    /// Makes a run of so many items a task.
    static func run(items: Int = 60, seed: UInt64 = 1, model: String = "stories-llama") -> EvaluationRun {
        var maker = SyntheticRun(random: Seeded(seed), items: items)
        let tasks = metrics.map {
            RunManifest.TaskEntry(
                name: $0.task, metrics: $0.metrics, dataDigest: String(repeating: "0123456789abcdef", count: 4),
                items: items, options: TaskOptions(limit: items))
        }
        let manifest = RunManifest(
            model: .init(
                name: model, fingerprint: String(repeating: "fedcba9876543210", count: 4), family: "llama",
                layers: layers, weights: "int8/256 7.6 MB", kvCache: "f32"),
            machine: .init(instructionSet: "amx", threads: 2, version: "0.1.0"), tasks: tasks, policies: policies)
        var run = EvaluationRun(manifest: manifest, items: [], rows: [])
        for task in tasks { for number in 0..<items { maker.add(task, number, to: &run) } }
        return run
    }

    private mutating func add(_ task: RunManifest.TaskEntry, _ number: Int, to run: inout EvaluationRun) {
        let isTalk = task.name == "coqa"
        let id = isTalk ? "\(number / 3)/\(number % 3)" : "\(number)"
        let prompt = "Q: " + text(random.next() % 2 == 0 ? 12 : 400).joined() + "\nA:"
        let choices =
            ["arc_easy", "boolq"].contains(task.name)
            ? (0..<4).map { [" (\($0))"] + text(4) } : task.name == "wikitext" ? [text(80)] : []
        let writes = choices.isEmpty
        let own = text(20)
        let gold = Int(random.next() % UInt64(max(choices.count, 1)))
        run.items.append(
            RunItem(
                task: task.name, id: id, group: isTalk ? "\(number / 3)" : nil, prompt: prompt,
                choices: choices.map { $0.joined() }, references: writes ? [own.joined()] : [choices[gold].joined()]))
        let sums = choices.map { _ in -Double(uniform(3, 30)) }
        let quality = Double(uniform(0, 1))
        for policy in run.manifest.policies {
            let isFaithful = policy.guarantee != "none"
            let likely = sums.map { $0 + (isFaithful ? 0 : Double(uniform(-1.5, 1.5))) }
            var words = own
            if !isFaithful, uniform(0, 1) < 0.3 { words = own.prefix(Int(uniform(2, 19))) + text(8) }
            let pieces =
                writes ? words.map { (0, $0) } : choices.enumerated().flatMap { index, all in all.map { (index, $0) } }
            let tokens = pieces.enumerated().map { place, piece in token(policy, choice: piece.0, piece.1, place: place)
            }
            let changed = isFaithful ? quality : min(max(quality + Double(uniform(-0.12, 0.08)), 0), 1)
            let depth = tokens.reduce(0) { $0 + $1.layer }
            var ledger = Ledger()
            ledger.layerRows = depth
            ledger.cost.bytes = 900_000 * depth + 120_000 * tokens.count + 2_000_000
            ledger.cost.multiplyAdds = 850_000 * depth + 90_000 * tokens.count
            let isRight = writes ? changed > 0.5 : best(likely) == gold
            run.rows.append(
                RunRow(
                    .init(task: task.name, policy: policy.name, item: id),
                    answer: writes
                        ? .text(words.dropLast().joined())
                        : .logLikelihoods(likely.map { .init(sum: $0, isGreedy: $0 > -5) }),
                    tokens: tokens, scores: task.metrics.map { score($0, changed, isRight, likely.first ?? -9) },
                    ledger: ledger, seconds: Double(depth) * 4e-5 * Double(uniform(0.9, 1.1))))
        }
    }

    private mutating func token(
        _ policy: RunManifest.Policy, choice: Int, _ text: String, place: Int
    ) -> RunRow.TokenRecord {
        guard let exit = policy.exit else {
            return .init(text: text, choice: choice, layer: SyntheticRun.layers, agrees: true)
        }
        let ease = uniform(0, 1)
        let isDepth = exit == "depth:4"
        let isEntropy = exit == "entropy:1"
        let needed: Float = exit.hasSuffix("0.9") ? 0.55 : exit.hasSuffix("0.7") ? 0.4 : 0.25
        let layer =
            isDepth ? 4 : ease < needed ? SyntheticRun.layers : ease < 0.7 && place > 3 ? 6 : ease < 0.85 ? 5 : 4
        let sureness = min(0.5 + ease * 0.5, 0.999)
        let agrees = policy.guarantee == "exact" || layer == SyntheticRun.layers || uniform(0, 1) < sureness + 0.02
        return .init(
            text: text, choice: choice, layer: layer,
            exitScore: isDepth ? nil : isEntropy ? 2 * (1 - sureness) : sureness,
            agrees: agrees)
    }

    private func score(_ metric: Metric, _ quality: Double, _ isRight: Bool, _ sum: Double) -> Score {
        switch metric.name {
        case "perplexity": Score(metric.key, sum / 2)
        case "word_perplexity": Score(metric.key, sum * 20, weight: 80)
        case "bleu_max", "rougeL_max": Score(metric.key, quality * 40)
        case "f1": Score(metric.key, quality)
        default: Score(metric.key, isRight ? 1 : 0)
        }
    }

    private func best(_ values: [Double]) -> Int? { values.indices.max { values[$0] < values[$1] } }

    private mutating func uniform(_ low: Float, _ high: Float) -> Float { Float.random(in: low...high, using: &random) }

    private mutating func text(_ count: Int) -> [String] {
        (0..<count).map { _ in
            // Most words do no harm.
            let all = SyntheticRun.words
            return all[Int(random.next() % UInt64(random.next() % 8 == 0 ? all.count : 14))]
        }
    }
}
