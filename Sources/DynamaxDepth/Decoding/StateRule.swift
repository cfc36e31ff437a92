import DynamaxLayers
public import DynamaxModels
import DynamaxTensor

/// What happens to the states of the layers above an exit when a row leaves there.
///
/// Only `deferred` keeps them what the full model would hold. Under the others nothing waits, and later rows see an approximate
/// past there.
public enum StateRule: String, CaseIterable, Sendable {
    /// The row waits at the exit, and runs on when a later one goes deeper.
    case deferred
    /// Each layer moves its state by the row that left, and computes nothing else (Schuster et al. 2022, CALM, section 3.3).
    case project
    /// Each attention layer takes the keys and values of the layer just below, so all those of the exit's layer (DYNAMAX).
    case copy
    /// Recurrent layers stay as they are: for them the token did not come (DYNAMAX).
    case skip

    /// Whether layers of a kind can follow the rule.
    public func fits(_ kind: LayerKind) -> Bool {
        switch self {
        case .deferred, .project: true
        case .copy: kind == .attention
        case .skip: kind == .recurrence
        }
    }

    /// Whether all layers of a model can follow the rule.
    public func fits(_ stack: any LayerStack) -> Bool {
        (0..<stack.layerCount).allSatisfy { fits(stack.kind(ofLayer: $0)) }
    }
}

extension ExitPass {
    /// Lets rows that have just left `layer` go no further, and does for the layers above what the rule says.
    ///
    /// Heads with a memory above the exit read these rows in place of those that would have come to them; deferred ones they
    /// read later.
    func leave(_ rows: Tensor, after layer: Int, _ state: SequenceState, _ ledger: inout Ledger) {
        let above = layer..<stack.layerCount
        switch rule {
        case .deferred:
            return state.deferRows(rows, beforeLayer: layer)
        case .project:
            stack.absorb(above, rows, Batch(state, rows: rows.rows))
            ledger.addStateOnly(above, rows: rows.rows) { stack.absorbCost(ofLayer: $0).together(rows.rows) }
        case .copy:
            state.copyKeysAndValues(to: above)
            ledger.addStateOnly(above, rows: rows.rows) { stack.absorbCost(ofLayer: $0).state * (2 * rows.rows) }
        case .skip:
            state.skipPositions(in: above)
            ledger.addStateOnly(above, rows: rows.rows) { _ in Cost() }
        }
        for reader in policy.heads?.readingLayers ?? [] where reader > layer {
            _ = policy.heads?.read(rows, after: reader, of: stack, state, &ledger)
        }
    }
}
