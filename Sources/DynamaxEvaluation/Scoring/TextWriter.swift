import DynamaxDepth
import DynamaxModels
import DynamaxTensor
import DynamaxText

/// Writes texts greedily, each until a stop has appeared in it.
struct TextWriter {
    let model: LanguageModel
    let tokenizer: Tokenizer
    /// Tokens that end a text.
    let stopTokens: Set<Token>
    let meter: WorkMeter

    /// What is to be written.
    struct Request {
        /// At least one token.
        let prompt: [Token]
        let limits: WritingLimits
    }

    /// A text and what it took.
    struct Outcome {
        var text: StoppingText
        /// Of all tokens but the first, which the prompt decides.
        var ledger = Ledger()
        var seconds = 0.0

        var tokens: [Token] { text.choices.map(\.token) }
    }

    // MARK: One by one

    /// Writes a text by itself, with any decoder.
    ///
    /// - Parameter past: a state, made for the decoder, that has consumed the prompt but its last token; nil for an empty one.
    func write(
        _ request: Request, _ decoder: any DynamaxModels.Decoder, past: SequenceState?
    ) throws -> Outcome {
        let start = ContinuousClock.now
        var generation = try Generation(
            model, decoder, prompt: request.prompt,
            limits: .init(tokens: request.limits.maximumTokens, stopTokens: stopTokens), past: past)
        var (text, written) = (try StoppingText(tokenizer, request.limits), WrittenText())
        while !text.hasStopped, let choice = try written.next(from: &generation) { text.append(choice) }
        text.finish()
        meter.add(
            generation.promptLedger + generation.ledger, seconds: start.duration(to: .now) / .seconds(1))
        // With the last token comes a decision of what follows, which nobody has asked for after a stop.
        let steps = text.hasStopped ? written.steps.filter { !$0.tokens.isEmpty } : written.steps
        return Outcome(
            text: text, ledger: steps.reduce(Ledger()) { $0 + $1.ledger },
            seconds: steps.reduce(0) { $0 + $1.seconds })
    }

    // MARK: Many at once

    /// Writes texts together, a token of each at a time: to the bit what each would be by itself.
    ///
    /// The newest rows of all texts are one batch, which those leave whose exits let them go.
    ///
    /// - Parameters:
    ///   - exits: where tokens leave, with states deferred and nothing verified; nil for nowhere.
    ///   - pasts: for each a state, made by `ForcedPass` for the exits, that has consumed the prompt but its last token.
    func write(_ requests: [Request], _ exits: ExitPolicy?, pasts: [SequenceState]) throws -> [Outcome] {
        let pass = ForcedPass(model.stack, exits)
        var outcomes = try requests.map { Outcome(text: try StoppingText(tokenizer, $0.limits)) }
        var open = requests.indices.filter { most(requests[$0]) > 0 }
        var isFirst = true
        while !open.isEmpty {
            let rows = open.map { index in
                let choices = outcomes[index].text.choices
                return ForcedRows(
                    pasts[index], [choices.last?.token ?? requests[index].prompt[requests[index].prompt.count - 1]],
                    questions: [[]], runsThrough: isFirst, decided: max(choices.count - 1, 0))
            }
            let said = try meter.measure { () throws(GenerationError) in try pass.run(rows) }
            var going: [Int] = []
            for (index, said) in zip(open, said) {
                if !isFirst {
                    outcomes[index].ledger += said.answers.ledger
                    outcomes[index].seconds += said.seconds
                }
                let row = said.answers.rows[0]
                guard !stopTokens.contains(row.likeliest) else { continue }
                outcomes[index].text.append(Choice(token: row.likeliest, layer: row.layer, score: row.score))
                let text = outcomes[index].text
                if !text.hasStopped, text.choices.count < most(requests[index]) { going.append(index) }
            }
            (open, isFirst) = (going, false)
        }
        for index in outcomes.indices { outcomes[index].text.finish() }
        return outcomes
    }

    /// How many tokens may follow a prompt: as many as were asked for, and as the model has room for.
    private func most(_ request: Request) -> Int {
        min(request.limits.maximumTokens, model.context.map { $0 + 1 - request.prompt.count } ?? .max)
    }
}
