public import DynamaxLayers

/// What the computation of some positions has cost.
public struct Ledger: Hashable, Sendable {
    /// Rows that ran through layers for their own token, one count a layer.
    public var layerRows = 0
    /// Rows that ran through layers later, to keep the state true or to verify drafts.
    public var catchUpRows = 0
    /// Rows that layers took without computing what would come out, one count a layer: those above an exit whose states
    /// are not deferred.
    public var stateOnlyRows = 0
    /// Rows that the language-model head was applied to.
    public var headRows = 0
    /// Rows that heads of exits judged, or read to remember them.
    public var exitHeadRows = 0
    /// Tokens that exits drafted, and how many of them the full model would have written too.
    public var draftedTokens = 0
    public var acceptedTokens = 0
    /// Bytes of weights and states, and multiply-accumulates. Rows that run together read the weights once.
    public var cost = Cost()

    /// Makes an empty ledger.
    public init() {}

    public static func + (a: Ledger, b: Ledger) -> Ledger { a.combined(with: b, +) }
    public static func - (a: Ledger, b: Ledger) -> Ledger { a.combined(with: b, -) }

    private func combined(with other: Ledger, _ combine: (Int, Int) -> Int) -> Ledger {
        var result = self
        result.layerRows = combine(layerRows, other.layerRows)
        result.catchUpRows = combine(catchUpRows, other.catchUpRows)
        result.stateOnlyRows = combine(stateOnlyRows, other.stateOnlyRows)
        result.headRows = combine(headRows, other.headRows)
        result.exitHeadRows = combine(exitHeadRows, other.exitHeadRows)
        result.draftedTokens = combine(draftedTokens, other.draftedTokens)
        result.acceptedTokens = combine(acceptedTokens, other.acceptedTokens)
        result.cost.bytes = combine(cost.bytes, other.cost.bytes)
        result.cost.multiplyAdds = combine(cost.multiplyAdds, other.cost.multiplyAdds)
        return result
    }

    public static func += (a: inout Ledger, b: Ledger) { a = a + b }

    /// Adds rows of one sequence that run through layers together.
    ///
    /// - Parameters:
    ///   - layers: that the rows run through.
    ///   - stack: says what each layer costs.
    ///   - rows: how many there are.
    ///   - catchUp: how many of them run only to keep the state true.
    ///   - position: of the last row in its sequence.
    public mutating func add(
        _ layers: Range<Int>, of stack: any LayerStack, rows: Int, catchUp: Int = 0, position: Int
    ) {
        layerRows += (rows - catchUp) * layers.count
        catchUpRows += catchUp * layers.count
        for layer in layers {
            let row = stack.cost(ofLayer: layer, position: position)
            let weights = stack.weightCost(ofLayer: layer)
            cost += Cost(
                bytes: weights.bytes + (row.bytes - weights.bytes) * rows, multiplyAdds: row.multiplyAdds * rows)
        }
    }

    /// Adds rows that layers take for their states alone.
    ///
    /// - Parameter cost: of all rows in one layer.
    public mutating func addStateOnly(_ layers: Range<Int>, rows: Int, _ cost: (_ layer: Int) -> Cost) {
        stateOnlyRows += rows * layers.count
        for layer in layers { self.cost += cost(layer) }
    }

    /// Adds rows that the head of an exit judges together, each of this cost.
    public mutating func addExitHead(_ row: Cost, rows: Int) {
        exitHeadRows += rows
        cost += Cost(bytes: row.bytes, multiplyAdds: row.multiplyAdds * rows)
    }

    /// Adds rows that the head is applied to together.
    ///
    /// - Parameter tokens: those whose logits alone are computed; nil for all.
    public mutating func addHead(of stack: any LayerStack, rows: Int, tokens: Range<Int>? = nil) {
        let row = tokens.map(stack.headCost(tokens:)) ?? stack.headCost
        headRows += rows
        cost += Cost(bytes: row.bytes, multiplyAdds: row.multiplyAdds * rows)
    }
}
