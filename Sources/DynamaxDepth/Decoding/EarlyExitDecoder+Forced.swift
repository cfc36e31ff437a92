public import DynamaxModels
import DynamaxTensor

extension EarlyExitDecoder {
    /// Decodes known tokens one by one, as if each had been the one drawn: the slow way that any state rule and pacing can go,
    /// and what `ForcedPass` is compared with.
    ///
    /// Rows that nobody asks about run through all layers, as a prompt does.
    ///
    /// - Throws: `GenerationError.notANumber` where logits are not.
    public mutating func force(_ rows: ForcedRows) throws(GenerationError) -> ForcedRows.Answers {
        var answers = ForcedRows.Answers(rows: [])
        let unasked = rows.tokens.count - rows.questions.count
        if unasked > 0 { answers.ledger += prefill(Array(rows.tokens[..<unasked]), rows.state).ledger }
        for (token, questions) in zip(rows.tokens[unasked...], rows.questions) {
            let step = step(token, rows.state)
            answers.ledger += step.ledger
            let summary = step.logits.summarizedLogits(ofRow: 0)
            guard let likeliest = summary.argmax else { throw .notANumber(position: rows.state.length - 1) }
            answers.rows.append(
                step.logits.withRow(0) { numbers in
                    ForcedRows.Answer(
                        summary, likeliest, logits: { numbers[Int($0)] }, of: questions, layer: step.layer,
                        score: step.score)
                })
        }
        return answers
    }
}
