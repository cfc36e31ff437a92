public import DynamaxModels
public import DynamaxTensor

/// Commits each token at the first exit whose score passes; the state of the layers above is deferred.
///
/// Rows that leave wait before the layer where they stopped. When a later row goes deeper, they run with it, as one batch, so
/// that no layer ever misses a position: the state stays the full model's (cf. Bae et al. 2023, FREE, section 3.3).
/// The tokens may differ from the full model's: this is the guarantee `none`.
public struct EarlyExitDecoder: Decoder {
    public let stack: any LayerStack
    /// Where rows may leave and when.
    public let policy: ExitPolicy

    /// Makes a decoder whose policy fits the stack.
    public init(_ stack: any LayerStack, _ policy: ExitPolicy) {
        self.stack = stack
        self.policy = policy
    }

    public func step(_ token: Token, _ state: SequenceState) -> DecodingStep {
        var ledger = Ledger()
        var rows = stack.embed([token])
        var reached = 0
        for exit in policy.layers {
            var entered: Tensor?
            if case .saturation = policy.score {
                rows = run(rows, reached..<exit - 1, state, &ledger)
                entered = newest(rows)
                reached = exit - 1
            }
            rows = run(rows, reached..<exit, state, &ledger)
            reached = exit
            let judged = judge(newest(rows), entered: entered, &ledger)
            if policy.score.passes(judged.score) {
                state.deferRows(rows, beforeLayer: exit)
                let logits = judged.logits ?? head(newest(rows), &ledger)
                return DecodingStep(logits: logits, layer: exit, score: judged.score, ledger: ledger)
            }
        }
        rows = run(rows, reached..<stack.layerCount, state, &ledger)
        return DecodingStep(
            logits: head(newest(rows), &ledger), layer: stack.layerCount, score: nil, ledger: ledger)
    }

    private func run(
        _ rows: Tensor, _ layers: Range<Int>, _ state: SequenceState, _ ledger: inout Ledger
    ) -> Tensor {
        stack.runWithWaiting(rows, layers, state, &ledger) ?? rows
    }

    private func newest(_ rows: Tensor) -> Tensor { rows.rows(rows.rows - 1..<rows.rows) }

    /// The score of a row, and its logits where the score took them.
    private func judge(
        _ row: Tensor, entered: Tensor?, _ ledger: inout Ledger
    ) -> (score: Float, logits: Tensor?) {
        if let entered { return (row.cosines(with: entered)[0], nil) }
        guard policy.score.needsLogits else { return (1, nil) }
        let logits = head(row, &ledger)
        return (policy.score.value(logits.summarizedLogits()[0]), logits)
    }

    private func head(_ row: Tensor, _ ledger: inout Ledger) -> Tensor {
        ledger.addHead(of: stack, rows: 1)
        return stack.head(row)
    }
}
