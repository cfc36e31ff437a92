import DynamaxDepth
import DynamaxModels
import DynamaxTensor
import DynamaxText

/// The questions of one task, put to a model.
struct TaskRun {
    private let evaluation: Evaluation
    private let task: Evaluation.Task
    private let asked: [Evaluation.Asked]
    private let past: SharedPast
    private var name: String { task.entry.name }
    private var policies: [EvaluationPolicy] { evaluation.policies }

    init(_ evaluation: Evaluation, _ task: Evaluation.Task, _ asked: [Evaluation.Asked]) {
        (self.evaluation, self.task, self.asked) = (evaluation, task, asked)
        past = SharedPast(
            evaluation.model.stack,
            prompts: asked.map { asked in
                switch asked {
                case .likelihoods(let item, _, _): item.shared[...]
                case .writing(let prompt, _): prompt.dropLast()
                }
            })
    }

    /// Asks whatever the store has no answer to yet.
    func run(_ store: RunStore, _ report: (Evaluation.Event) throws -> Void) throws {
        var (group, rows) = ([Int](), 0)
        func finish() throws {
            if let first = group.first, let last = group.last {
                try naming(first == last ? task.items[first].id : "\(task.items[first].id) to \(task.items[last].id)") {
                    try score(group, store, report)
                }
            }
            (group, rows) = ([], 0)
        }
        for (index, item) in task.items.enumerated() {
            let open = policies.filter { !store.done.contains(key($0, item)) }
            guard !open.isEmpty else { continue }
            switch asked[index] {
            case .writing(let prompt, let limits):
                try naming(item.id) { try write(item, prompt, limits, open, store, report) }
            case .likelihoods(let layout, _, _):
                group.append(index)
                rows += layout.shared.count
                // States of these rows are held until all policies have scored the group.
                if group.count == 64 || rows >= 4096 { try finish() }
            }
        }
        try finish()
    }

    /// Says which items it was that the model had no numbers for.
    private func naming(_ items: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as GenerationError {
            throw EvaluationError.item(items, task: name, "\(error)")
        }
    }

    private func key(_ policy: EvaluationPolicy, _ item: TaskItem) -> RunRow.Key {
        RunRow.Key(task: name, policy: policy.name, item: item.id)
    }

    // MARK: Likelihoods

    private func score(
        _ indices: [Int], _ store: RunStore, _ report: (Evaluation.Event) throws -> Void
    ) throws {
        let layouts = indices.compactMap { index in
            if case .likelihoods(let item, _, _) = asked[index] { item } else { nil }
        }
        let scorer = LikelihoodScorer(stack: evaluation.model.stack, past: past)
        let plain = try scorer.begin(layouts, for: nil)
        // What others say is compared with the full model, whose rows may be in the store already.
        let full = try scorer.score(layouts, plain, policies[0])
        for policy in policies {
            let open = indices.indices.filter { !store.done.contains(key(policy, task.items[indices[$0]])) }
            guard !open.isEmpty else { continue }
            let some = open.map { layouts[$0] }
            let outcomes =
                policy.scoresAsOff
                ? open.map { full[$0] }
                : try scorer.score(
                    some, policy.sharesStates ? open.map { plain[$0] } : scorer.begin(some, for: policy), policy)
            for (place, outcome) in zip(open, outcomes) {
                let row = try likelihoodRow(indices[place], policy, outcome, full: full[place])
                try store.append(row)
                try report(.row(row))
            }
        }
    }

    private func likelihoodRow(
        _ index: Int, _ policy: EvaluationPolicy, _ outcome: LikelihoodScorer.Outcome, full: LikelihoodScorer.Outcome
    ) throws -> RunRow {
        guard case .likelihoods(let layout, let texts, let isWhole) = asked[index] else {
            preconditionFailure("the item asks for no likelihoods")
        }
        var (values, records) = ([LogLikelihood](), [RunRow.TokenRecord]())
        for (choice, (text, place)) in zip(texts, layout.places).enumerated() {
            guard let place else {
                values.append(LogLikelihood(sum: 0, isGreedy: true))
                continue
            }
            let rows = zip(outcome.branches[place.branch].rows, full.branches[place.branch].rows)
            var (sum, isGreedy) = (0.0, true)
            for (token, (row, full)) in zip(text.tokens.suffix(text.asked), rows) {
                sum += row.logProbabilities[place.number]
                isGreedy = isGreedy && row.likeliest == token
                records.append(
                    RunRow.TokenRecord(
                        text: spelling(token), choice: isWhole ? 0 : choice, layer: row.layer, exitScore: row.score,
                        agrees: row.likeliest == full.likeliest, logProbability: row.logProbabilities[place.number]))
            }
            values.append(LogLikelihood(sum: sum, isGreedy: isGreedy))
        }
        if isWhole {
            values = [
                LogLikelihood(sum: values.reduce(0) { $0 + $1.sum }, isGreedy: values.allSatisfy(\.isGreedy))
            ]
        }
        let item = task.items[index]
        return RunRow(
            key(policy, item), answer: .logLikelihoods(values), tokens: records,
            scores: try item.score(.logLikelihoods(values)),
            ledger: outcome.branches.reduce(Ledger()) { $0 + $1.ledger }, seconds: outcome.seconds)
    }

    private func spelling(_ token: Token) -> String {
        (try? evaluation.tokens.tokenizer.bytes(token)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    // MARK: Texts

    private func write(
        _ item: TaskItem, _ prompt: [Token], _ limits: WritingLimits, _ open: [EvaluationPolicy], _ store: RunStore,
        _ report: (Evaluation.Event) throws -> Void
    ) throws {
        let model = evaluation.model
        let full = ForcedPass(model.stack, nil)
        let before = try begin(prompt, for: nil)
        let writer = TextWriter(
            model: model, tokenizer: evaluation.tokens.tokenizer, stopTokens: evaluation.stopTokens)
        for policy in open {
            let decoder = try policy.decoder(model.stack)
            // One that may go back has states of its own making.
            let state =
                decoder.history > 0 ? nil : policy.sharesStates ? before.fork() : try begin(prompt, for: policy)
            let outcome = try writer.write(prompt, limits, decoder, past: state)
            let tokens = outcome.written.tokens
            var agrees = tokens.map { _ in true }
            if policy.exits != nil, !tokens.isEmpty {
                let rows = ForcedRows(
                    before.fork(), [prompt[prompt.count - 1]] + tokens.dropLast(), questions: tokens.map { [$0] })
                agrees = try zip(full.run([rows])[0].rows, tokens).map { $0.likeliest == $1 }
            }
            let records = outcome.written.choices.enumerated().map { index, choice in
                RunRow.TokenRecord(
                    text: outcome.pieces[index], layer: choice.layer, exitScore: choice.score, agrees: agrees[index])
            }
            let row = RunRow(
                key(policy, item), answer: .text(outcome.answer), tokens: records,
                scores: try item.score(.text(outcome.answer)), ledger: outcome.written.ledger,
                seconds: outcome.written.seconds)
            try store.append(row)
            try report(.row(row))
        }
    }

    /// A state that has consumed all of a prompt but its last token.
    private func begin(_ prompt: [Token], for policy: EvaluationPolicy?) throws(GenerationError) -> SequenceState {
        let state = try past.fork(for: policy)
        let rest = prompt.dropLast().dropFirst(past.tokens.count)
        if !rest.isEmpty {
            _ = try ForcedPass(evaluation.model.stack, policy?.exits).run(
                [ForcedRows(state, Array(rest), questions: [], runsThrough: true)])
        }
        return state
    }
}
