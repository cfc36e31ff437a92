import DynamaxDepth
import DynamaxModels
import DynamaxTensor
import DynamaxText

extension TaskRun {
    /// Finds likelihoods under all policies.
    func score(_ indices: [Int], _ keep: (RunRow) throws -> Void) throws {
        let layouts = indices.compactMap { index in
            if case .likelihoods(let layout, _, _) = asked[index] { layout } else { nil }
        }
        let scorer = LikelihoodScorer(stack: model.stack, plan: plan, meter: meter)
        let plain = try past.states(after: layouts.map { $0.shared[...] }, for: nil)
        // What others say is compared with the full model, whose rows may be in the store already.
        let full = try scorer.score(layouts, plain, policies[0])
        for policy in policies {
            let open = indices.indices.filter { isOpen(indices[$0], policy) }
            guard !open.isEmpty else { continue }
            let some = open.map { layouts[$0] }
            let outcomes =
                policy.scoresAsOff
                ? open.map { full[$0] }
                : try scorer.score(
                    some,
                    policy.sharesStates
                        ? open.map { plain[$0] } : past.states(after: some.map { $0.shared[...] }, for: policy), policy)
            for (place, outcome) in zip(open, outcomes) {
                try keep(likelihoodRow(indices[place], policy, outcome, full: full[place]))
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
        return RunRow(
            key(index, policy), answer: .logLikelihoods(values), tokens: records,
            scores: try task.items[index].score(.logLikelihoods(values)),
            ledger: outcome.branches.reduce(Ledger()) { $0 + $1.ledger }, seconds: outcome.seconds,
            isBatched: !policy.isStepwise)
    }

    private func spelling(_ token: Token) -> String {
        (try? evaluation.tokens.tokenizer.bytes(token)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
