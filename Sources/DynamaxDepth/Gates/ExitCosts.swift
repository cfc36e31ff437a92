import DynamaxLayers
public import DynamaxModels

/// What leaving at an exit costs, as a share of what the full model costs without exits.
public enum ExitCosts: String, CaseIterable, Sendable {
    /// By the ledger's bytes for one row, which is what decoding waits for: layers, and the checks at all exits on the way.
    case ledger
    /// By layers alone, as in the paper.
    case layers

    /// The costs of the exits of some heads, and at last that of staying to the end.
    public func values(_ heads: ExitHeads, of stack: any LayerStack) -> [Float] {
        let exits = heads.manifest.layers
        switch self {
        case .layers: return (exits + [stack.layerCount]).map { Float($0) / Float(stack.layerCount) }
        case .ledger:
            var (ledger, full) = (Ledger(), Ledger())
            full.add(0..<stack.layerCount, of: stack, rows: 1, position: 0)
            full.addHead(of: stack, rows: 1)
            var costs: [Int] = []
            var reached = 0
            for exit in exits + [stack.layerCount] {
                ledger.add(reached..<exit, of: stack, rows: 1, position: 0)
                ledger.addHead(of: stack, rows: 1)
                if let head = heads.heads[exit] { ledger.addExitHead(head.cost, rows: 1) }
                costs.append(ledger.cost.bytes)
                reached = exit
            }
            return costs.map { Float($0) / Float(max(full.cost.bytes, 1)) }
        }
    }
}
