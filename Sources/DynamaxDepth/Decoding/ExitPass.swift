import DynamaxLayers
import DynamaxModels
import DynamaxTensor

/// The way of rows through a model whose exits may let them go, read on the way by heads that remember.
struct ExitPass {
    let stack: any LayerStack
    let policy: ExitPolicy
    /// What happens to the layers above an exit.
    let rule: StateRule
    /// How rows are judged.
    let score: ExitScore
    /// Layers after which a row leaves whatever its score.
    let ceiling: Int?
    /// The first tokens of the vocabulary, among which exits choose; nil for all.
    let vocabulary: Range<Int>?
    /// The scores that the newest row has had.
    private(set) var scores: [Float] = []
    /// What the first exit found most probable, where the others look at these tokens alone.
    private var few = FewTokens()

    /// - Parameter pacer: says how exits stand; nil where they do not change along a text.
    init(
        stack: any LayerStack, policy: ExitPolicy, rule: StateRule = .deferred, pacer: Pacer? = nil,
        vocabulary: Int? = nil
    ) {
        (self.stack, self.policy, self.rule) = (stack, policy, rule)
        self.vocabulary = vocabulary.map { 0..<$0 }
        score = pacer?.present ?? policy.score
        ceiling = pacer?.ceiling
    }

    /// Where a row ended.
    enum End {
        /// An exit let it go, with all rows that came along.
        case left(logits: Tensor?, row: Tensor, layer: Int, score: Float?)
        /// It left the last layer, after all rows that had waited: [rows, width]
        case top(Tensor)
    }

    /// The state of an empty sequence, with those of heads.
    func makeState(history: Int) -> SequenceState {
        let state = stack.makeState(history: history)
        policy.heads?.attach(to: state, history: history)
        return state
    }

    /// Runs a prompt through all layers.
    func prefill(_ tokens: [Token], _ state: SequenceState) -> DecodingStep {
        var reading = Ledger()
        let step = stack.prefill(tokens, state, stops: policy.heads?.readingLayers ?? []) { rows, layer in
            _ = policy.heads?.read(rows, after: layer, of: stack, state, &reading)
        }
        return DecodingStep(logits: step.logits, layer: step.layer, score: nil, ledger: step.ledger + reading)
    }

    /// Runs one token that continues `state`.
    ///
    /// - Parameter mayLeave: whether exits are looked at.
    mutating func run(
        _ token: Token, _ state: SequenceState, mayLeave: Bool = true, _ ledger: inout Ledger
    ) -> End {
        (scores, few) = ([], FewTokens())
        var rows = stack.embed(token)
        var reached = 0
        var hazards = policy.heads?.manifest.kind.usesHazards == true ? ExitHazards() : nil
        let looked = mayLeave ? policy.layers + (ceiling.map { $0 < stack.layerCount ? [$0] : [] } ?? []) : []
        let stops = Set(looked + (policy.heads?.readingLayers ?? [])).sorted()
        for stop in stops {
            let looks = mayLeave && policy.layers.contains(stop)
            var entered: Tensor?
            if looks, case .saturation = score {
                rows = run(rows, reached..<stop - 1, state, &ledger)
                entered = newest(rows)
                reached = stop - 1
            }
            rows = run(rows, reached..<stop, state, &ledger)
            reached = stop
            let judged = judge(rows, after: stop, entered: entered, looks: looks, state, &hazards, &ledger)
            if let judged { scores.append(judged.score) }
            if judged.map({ score.passes($0.score) }) ?? false || stop == ceiling {
                leave(rows, after: stop, state, &ledger)
                return .left(logits: judged?.logits, row: newest(rows), layer: stop, score: judged?.score)
            }
        }
        return .top(run(rows, reached..<stack.layerCount, state, &ledger))
    }

    /// What exits say of rows, as logits, [rows, vocabulary].
    func head(_ rows: Tensor, _ ledger: inout Ledger) -> Tensor {
        ledger.addHead(of: stack, rows: rows.rows, tokens: vocabulary)
        return vocabulary.map { stack.head(rows, tokens: $0) } ?? stack.head(rows)
    }

    func newest(_ rows: Tensor) -> Tensor { rows.rows(rows.rows - 1..<rows.rows) }

    private func run(
        _ rows: Tensor, _ layers: Range<Int>, _ state: SequenceState, _ ledger: inout Ledger
    ) -> Tensor {
        stack.runWithWaiting(rows, layers, state, &ledger) ?? rows
    }

    /// The score of the newest row, and its logits where the score took them; nil where it is only read.
    ///
    /// - Parameter hazards: of the token so far, where heads leave by them.
    private mutating func judge(
        _ rows: Tensor, after layer: Int, entered: Tensor?, looks: Bool, _ state: SequenceState,
        _ hazards: inout ExitHazards?, _ ledger: inout Ledger
    ) -> (score: Float, logits: Tensor?)? {
        if let heads = policy.heads {
            // A head without a memory need not see the rows that have waited.
            let seen = heads.readingLayers.contains(layer) ? rows : newest(rows)
            guard let verdict = heads.read(seen, after: layer, of: stack, state, &ledger), looks else { return nil }
            let score = sigmoid(verdict.scores.array[verdict.scores.rows - 1])
            return (hazards?.next(score).hazard ?? score, verdict.logits)
        }
        guard looks else { return nil }
        if let entered { return (newest(rows).cosines(with: entered)[0], nil) }
        if case .reduced = score {
            return few.judge(newest(rows), by: score, stack, vocabulary: vocabulary, &ledger)
        }
        guard score.needsLogits else { return (1, nil) }
        let logits = head(newest(rows), &ledger)
        return (score.value(logits.summarizedLogits(ofRow: 0)), logits)
    }
}

/// The chance that a logit stands for.
func sigmoid(_ x: Float) -> Float { 1 / (1 + exponential(-x)) }
