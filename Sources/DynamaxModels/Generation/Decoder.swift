public import DynamaxTensor

/// A way to find the tokens that follow: by all layers, or by as many as each token needs.
public protocol Decoder {
    var stack: any LayerStack { get }

    /// Positions that the decoder may take back; states are made with at least as much history.
    var history: Int { get }

    /// The state of an empty sequence, with as much history as the decoder needs, and at least `history`.
    func makeState(history: Int) -> SequenceState

    /// Runs a prompt, at least one token, through all layers.
    func prefill(_ tokens: [Token], _ state: SequenceState) -> DecodingStep

    /// Decides at least one token and at most `room`, the first of them following `token`, which continues `state`.
    ///
    /// All tokens but the last decided one have then been consumed by the state.
    ///
    /// - Parameters:
    ///   - sampler: has accepted the sequence up to `token`.
    ///   - choices: where the tokens are appended, in their order.
    /// - Returns: what they have cost.
    /// - Throws: `GenerationError.notANumber` when the model's logits are.
    mutating func decide(
        after token: Token, _ state: SequenceState, _ sampler: Sampler, room: Int, into choices: inout [Choice]
    ) throws(GenerationError) -> Ledger
}

extension Decoder {
    public var history: Int { 0 }
    public func makeState(history: Int) -> SequenceState { stack.makeState(history: max(history, self.history)) }
    public func prefill(_ tokens: [Token], _ state: SequenceState) -> DecodingStep { stack.prefill(tokens, state) }
}

/// One token and what decided it.
public struct Choice: Hashable, Sendable {
    /// Its number in the vocabulary.
    public let token: Token
    /// Layers that its position ran through before it was decided, or first proposed.
    public let layer: Int
    /// How sure the exit was, as its kind of score has it; nil without exits.
    public let score: Float?
    /// The token that an exit had proposed in its place, which verification did not keep.
    public let rejected: Token?

    /// Takes a token and what decided it.
    public init(token: Token, layer: Int, score: Float?, rejected: Token? = nil) {
        self.token = token
        self.layer = layer
        self.score = score
        self.rejected = rejected
    }
}

/// A decoder that goes one position at a time.
public protocol StepDecoder: Decoder {
    /// Runs one token that continues `state`.
    mutating func step(_ token: Token, _ state: SequenceState) -> DecodingStep
}

extension StepDecoder {
    public mutating func decide(
        after token: Token, _ state: SequenceState, _ sampler: Sampler, room: Int, into choices: inout [Choice]
    ) throws(GenerationError) -> Ledger {
        let step = step(token, state)
        choices.append(try step.choice(sampler, at: state.length))
        return step.ledger
    }
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

    /// The token that the sampler draws from the logits for `position`.
    public func choice(_ sampler: Sampler, at position: Int) throws(GenerationError) -> Choice {
        guard let token = sampler.token(logits, at: position) else { throw .notANumber(position: position - 1) }
        return Choice(token: token, layer: layer, score: score)
    }
}

/// Runs all layers for each token.
public struct FullDepthDecoder: StepDecoder {
    public let stack: any LayerStack

    /// Makes a decoder for a stack.
    public init(_ stack: any LayerStack) {
        self.stack = stack
    }

    public func step(_ token: Token, _ state: SequenceState) -> DecodingStep {
        var ledger = Ledger()
        ledger.add(0..<stack.layerCount, of: stack, rows: 1, position: state.length)
        ledger.addHead(of: stack, rows: 1)
        let hidden = stack.run(0..<stack.layerCount, stack.embed(token), Batch(state, rows: 1))
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
    ///   - stops: layers before which rows are shown to `visit`, ascending.
    public func prefill(
        _ tokens: [Token], _ state: SequenceState, chunk: Int = 512, stops: [Int] = [],
        visit: (_ rows: Tensor, _ layer: Int) -> Void = { _, _ in }
    ) -> DecodingStep {
        precondition(!tokens.isEmpty && chunk > 0)
        var ledger = Ledger()
        var last: Tensor?
        for start in stride(from: 0, to: tokens.count, by: chunk) {
            let part = Array(tokens[start..<min(start + chunk, tokens.count)])
            ledger.add(0..<layerCount, of: self, rows: part.count, position: state.length + part.count - 1)
            var hidden = embed(part)
            var reached = 0
            for stop in stops {
                hidden = run(reached..<stop, hidden, Batch(state, rows: part.count))
                visit(hidden, stop)
                reached = stop
            }
            hidden = run(reached..<layerCount, hidden, Batch(state, rows: part.count))
            last = hidden.rows(part.count - 1..<part.count)
        }
        ledger.addHead(of: self, rows: 1)
        return DecodingStep(logits: head(last!), layer: layerCount, score: nil, ledger: ledger)
    }
}
