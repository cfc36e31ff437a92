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
            let full = ExitCosts.bytes([], of: stack)[0]
            return ExitCosts.bytes(exits, heads: heads, of: stack).map { Float($0) / Float(max(full, 1)) }
        }
    }

    /// Bytes that one row reads which leaves at each of some exits, and at last of one that stays.
    ///
    /// - Parameters:
    ///   - exits: numbers of layers, ascending; all of them on the way are looked at.
    ///   - heads: judge there; nil where the logits do.
    ///   - stack: the model.
    public static func bytes(_ exits: [Int], heads: ExitHeads? = nil, of stack: any LayerStack) -> [Int] {
        var ledger = Ledger()
        var reached = 0
        return (exits + [stack.layerCount]).map { exit in
            ledger.add(reached..<exit, of: stack, rows: 1, position: 0)
            reached = exit
            let head = heads?.heads[exit]
            if let head { ledger.addExitHead(head.cost, rows: 1) }
            // The token is drawn from logits, which some exits have looked at already.
            var leaving = ledger
            leaving.addHead(of: stack, rows: 1)
            if heads == nil || head?.readsLogits == true { ledger = leaving }
            return leaving.cost.bytes
        }
    }
}
