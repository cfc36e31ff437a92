public import DynamaxLayers
public import DynamaxTensor

/// A way to get the logits of the next token: all layers, or as many as the token needs.
public protocol Decoder {
    var stack: any LayerStack { get }

    /// Runs one token that continues `state`.
    mutating func step(_ token: Token, _ state: SequenceState) -> DecodingStep
}

/// The logits of one position and what they took.
public struct DecodingStep {
    /// [1, vocabulary]
    public let logits: Tensor
    /// Layers that the position ran through before its logits were taken.
    public let layer: Int
    /// How sure the exit was, as its kind of score has it; nil without exits.
    public let score: Float?
    /// What the step has cost.
    public let ledger: Ledger

    /// Takes the logits of one position, [1, vocabulary].
    public init(logits: Tensor, layer: Int, score: Float?, ledger: Ledger) {
        self.logits = logits
        self.layer = layer
        self.score = score
        self.ledger = ledger
    }
}

/// What the computation of some positions has cost.
public struct Ledger: Hashable, Sendable {
    /// Rows that ran through layers for their own token, one count a layer.
    public var layerRows = 0
    /// Rows that ran through layers later, to keep the state true.
    public var catchUpRows = 0
    /// Rows that the language-model head was applied to.
    public var headRows = 0
    /// Bytes of weights and states, and multiply-accumulates. Rows that run together read the weights once.
    public var cost = Cost()

    /// Makes an empty ledger.
    public init() {}

    public static func + (a: Ledger, b: Ledger) -> Ledger {
        var sum = a
        sum.layerRows += b.layerRows
        sum.catchUpRows += b.catchUpRows
        sum.headRows += b.headRows
        sum.cost += b.cost
        return sum
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

    /// Adds rows that the head is applied to together.
    public mutating func addHead(of stack: any LayerStack, rows: Int) {
        headRows += rows
        cost += Cost(bytes: stack.headCost.bytes, multiplyAdds: stack.headCost.multiplyAdds * rows)
    }
}

/// Runs all layers for each token.
public struct FullDepthDecoder: Decoder {
    public let stack: any LayerStack

    /// Makes a decoder for a stack.
    public init(_ stack: any LayerStack) {
        self.stack = stack
    }

    public func step(_ token: Token, _ state: SequenceState) -> DecodingStep {
        var ledger = Ledger()
        ledger.add(0..<stack.layerCount, of: stack, rows: 1, position: state.length)
        ledger.addHead(of: stack, rows: 1)
        let hidden = stack.run(0..<stack.layerCount, stack.embed([token]), Batch(state, rows: 1))
        return DecodingStep(logits: stack.head(hidden), layer: stack.layerCount, score: nil, ledger: ledger)
    }
}

extension LayerStack {
    /// Runs a prompt through all layers, and takes the logits of its last token.
    ///
    /// - Parameters:
    ///   - tokens: at least one.
    ///   - state: of the sequence that they continue.
    ///   - chunk: rows that run together at most; it bounds memory, and changes no bit of the result.
    public func prefill(_ tokens: [Token], _ state: SequenceState, chunk: Int = 512) -> DecodingStep {
        precondition(!tokens.isEmpty && chunk > 0)
        var ledger = Ledger()
        var last: Tensor?
        for start in stride(from: 0, to: tokens.count, by: chunk) {
            let part = Array(tokens[start..<min(start + chunk, tokens.count)])
            ledger.add(0..<layerCount, of: self, rows: part.count, position: state.length + part.count - 1)
            let hidden = run(0..<layerCount, embed(part), Batch(state, rows: part.count))
            last = hidden.rows(part.count - 1..<part.count)
        }
        ledger.addHead(of: self, rows: 1)
        return DecodingStep(logits: head(last!), layer: layerCount, score: nil, ledger: ledger)
    }
}
