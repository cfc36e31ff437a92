import DynamaxDepth
import DynamaxModels
import DynamaxTensor
import DynamaxText

extension TaskRun {
    /// Writes texts under all policies.
    func write(_ indices: [Int], _ keep: (RunRow) throws -> Void) throws {
        let requests = indices.compactMap { index in
            if case .writing(let prompt, let limits) = asked[index] {
                TextWriter.Request(prompt: prompt, limits: limits)
            } else {
                nil
            }
        }
        let pasts = try past.states(after: requests.map { $0.prompt.dropLast() }, for: nil)
        for policy in policies {
            let open = indices.indices.filter { isOpen(indices[$0], policy) }
            let together = policy.writesTogether && evaluation.batch > 1
            // Alone, each text is kept as soon as it is written.
            for places in together && !open.isEmpty ? [open] : open.map({ [$0] }) {
                let some = places.map { requests[$0] }
                let states = places.map { pasts[$0] }
                let outcomes =
                    together ? try writeTogether(some, policy, states) : try [writeAlone(some[0], policy, states[0])]
                let agreements = try agreements(of: outcomes, some, policy, states)
                for (place, (outcome, agrees)) in zip(places, zip(outcomes, agreements)) {
                    try keep(textRow(indices[place], policy, outcome, agrees, isBatched: together))
                }
            }
        }
    }

    private var writer: TextWriter {
        TextWriter(
            model: model, tokenizer: evaluation.tokens.tokenizer, stopTokens: evaluation.stopTokens, meter: meter)
    }

    private func writeTogether(
        _ requests: [TextWriter.Request], _ policy: EvaluationPolicy, _ pasts: [SequenceState]
    ) throws -> [TextWriter.Outcome] {
        let states =
            policy.sharesStates
            ? pasts.map { $0.fork() } : try past.states(after: requests.map { $0.prompt.dropLast() }, for: policy)
        return try writer.write(requests, policy.exits, pasts: states)
    }

    private func writeAlone(
        _ request: TextWriter.Request, _ policy: EvaluationPolicy, _ fullPast: SequenceState
    ) throws -> TextWriter.Outcome {
        let decoder = try policy.decoder(model.stack)
        // One that may go back has states of its own making.
        guard decoder.history == 0 else { return try writer.write(request, decoder, past: nil) }
        let state =
            policy.sharesStates
            ? fullPast.fork() : try past.states(after: [request.prompt.dropLast()], for: policy)[0]
        return try writer.write(request, decoder, past: state)
    }

    /// Whether the full model, told the same text before it, would have written each token.
    private func agreements(
        of outcomes: [TextWriter.Outcome], _ requests: [TextWriter.Request], _ policy: EvaluationPolicy,
        _ pasts: [SequenceState]
    ) throws(GenerationError) -> [[Bool]] {
        var agreements = outcomes.map { $0.tokens.map { _ in true } }
        guard policy.exits != nil else { return agreements }
        let pass = ForcedPass(model.stack, nil)
        for batch in plan.batches(agreements.map(\.count)) {
            let rows = batch.map { index in
                let (prompt, tokens) = (requests[index].prompt, outcomes[index].tokens)
                return ForcedRows(
                    pasts[index].fork(), [prompt[prompt.count - 1]] + tokens.dropLast(),
                    questions: tokens.map { _ in [] })
            }
            let said = try meter.measure { () throws(GenerationError) in try pass.run(rows) }
            for (index, said) in zip(batch, said) {
                agreements[index] = zip(said.answers.rows, outcomes[index].tokens).map { $0.likeliest == $1 }
            }
        }
        return agreements
    }

    private func textRow(
        _ index: Int, _ policy: EvaluationPolicy, _ outcome: TextWriter.Outcome, _ agrees: [Bool], isBatched: Bool
    ) throws -> RunRow {
        let text = outcome.text
        let records = zip(zip(text.choices, text.pieces), agrees).map { token, agrees in
            RunRow.TokenRecord(text: token.1, layer: token.0.layer, exitScore: token.0.score, agrees: agrees)
        }
        return RunRow(
            key(index, policy), answer: .text(text.answer), tokens: records,
            scores: try task.items[index].score(.text(text.answer)), ledger: outcome.ledger,
            seconds: outcome.seconds, isBatched: isBatched)
    }
}
