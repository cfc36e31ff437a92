import DynamaxModels
import DynamaxTensor

/// The way of one row through a model whose exits may let it go.
struct ExitPass {
    let stack: any LayerStack
    let policy: ExitPolicy

    /// Where the row ended.
    enum End {
        /// An exit let it go; it waits there, with all rows that came along.
        case left(logits: Tensor?, row: Tensor, layer: Int, score: Float)
        /// It left the last layer, after all rows that had waited: [rows, width]
        case top(Tensor)
    }

    /// Runs one token that continues `state`.
    ///
    /// - Parameter mayLeave: whether exits are looked at.
    func run(_ token: Token, _ state: SequenceState, mayLeave: Bool = true, _ ledger: inout Ledger) -> End {
        var rows = stack.embed([token])
        var reached = 0
        for exit in mayLeave ? policy.layers : [] {
            var entered: Tensor?
            if case .saturation = policy.score {
                rows = run(rows, reached..<exit - 1, state, &ledger)
                entered = newest(rows)
                reached = exit - 1
            }
            rows = run(rows, reached..<exit, state, &ledger)
            reached = exit
            let row = newest(rows)
            let judged = judge(row, entered: entered, &ledger)
            if policy.score.passes(judged.score) {
                state.deferRows(rows, beforeLayer: exit)
                return .left(logits: judged.logits, row: row, layer: exit, score: judged.score)
            }
        }
        return .top(run(rows, reached..<stack.layerCount, state, &ledger))
    }

    /// The logits of rows, [rows, vocabulary].
    func head(_ rows: Tensor, _ ledger: inout Ledger) -> Tensor {
        ledger.addHead(of: stack, rows: rows.rows)
        return stack.head(rows)
    }

    func newest(_ rows: Tensor) -> Tensor { rows.rows(rows.rows - 1..<rows.rows) }

    private func run(
        _ rows: Tensor, _ layers: Range<Int>, _ state: SequenceState, _ ledger: inout Ledger
    ) -> Tensor {
        stack.runWithWaiting(rows, layers, state, &ledger) ?? rows
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
}
