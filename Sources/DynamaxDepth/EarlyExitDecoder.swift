public import DynamaxModels
public import DynamaxTensor

/// Commits each token at the first exit whose score passes; the state of the layers above is deferred.
///
/// Rows that leave wait before the layer where they stopped. When a later row goes deeper, they run with it, as one batch, so
/// that no layer ever misses a position: the state stays the full model's (cf. Bae et al. 2023, FREE, section 3.3).
/// The tokens may differ from the full model's: this is the guarantee `none`.
public struct EarlyExitDecoder: Decoder {
    public let stack: any LayerStack
    public let policy: ExitPolicy

    public init(_ stack: any LayerStack, _ policy: ExitPolicy) {
        self.stack = stack
        self.policy = policy
    }

    public func step(_ token: Token, _ state: SequenceState) -> DecodingStep {
        var ledger = Ledger()
        var rows = stack.embed([token])
        var reached = 0
        for exit in policy.layers {
            let (all, entered) = run(rows, from: reached, to: exit, state, &ledger)
            let row = all.rows(all.rows - 1..<all.rows)
            let judged = judge(row, entered: entered, &ledger)
            if policy.score.passes(judged.score) {
                state.deferRows(all, beforeLayer: exit)
                let logits = judged.logits ?? head(row, &ledger)
                return DecodingStep(logits: logits, layer: exit, score: judged.score, ledger: ledger)
            }
            rows = all
            reached = exit
        }
        let (all, _) = run(rows, from: reached, to: stack.layerCount, state, &ledger)
        let logits = head(all.rows(all.rows - 1..<all.rows), &ledger)
        return DecodingStep(logits: logits, layer: stack.layerCount, score: nil, ledger: ledger)
    }

    /// Runs rows on, together with those that wait where they stand.
    ///
    /// - Returns: all these rows, and what entered the last layer for the newest one where the score needs it.
    private func run(
        _ rows: Tensor, from: Int, to: Int, _ state: SequenceState, _ ledger: inout Ledger
    ) -> (rows: Tensor, entered: Tensor?) {
        let waiting = state.takePending(beforeLayer: from, on: stack.device)
        var hidden = waiting.rows > 0 ? Tensor.stackingRows([waiting, rows]) : rows
        let count = hidden.rows
        ledger.add(from..<to, of: stack, rows: count, catchUp: count - 1, position: state.length)
        guard case .saturation = policy.score, to < stack.layerCount else {
            return (stack.run(from..<to, hidden, Batch(state, rows: count)), nil)
        }
        hidden = stack.run(from..<to - 1, hidden, Batch(state, rows: count))
        let entered = hidden.rows(count - 1..<count)
        return (stack.run(to - 1..<to, hidden, Batch(state, rows: count)), entered)
    }

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

    /// Runs all rows that wait through the layers that they lack, so that every layer stands at the end of the sequence.
    public static func catchUp(_ state: SequenceState, on stack: any LayerStack) -> Ledger {
        var ledger = Ledger()
        var rows: Tensor?
        for layer in 1..<stack.layerCount {
            let waiting = state.takePending(beforeLayer: layer, on: stack.device)
            let parts = (waiting.rows > 0 ? [waiting] : []) + (rows.map { [$0] } ?? [])
            guard !parts.isEmpty else { continue }
            let all = Tensor.stackingRows(parts)
            ledger.add(
                layer..<layer + 1, of: stack, rows: all.rows, catchUp: all.rows, position: state.length - 1)
            rows = stack.run(layer..<layer + 1, all, Batch(state, rows: all.rows))
        }
        return ledger
    }
}
