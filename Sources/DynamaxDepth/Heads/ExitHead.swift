public import DynamaxLayers
public import DynamaxModels
public import DynamaxTensor

/// What has learned to judge rows at one exit: whether the full model would go on as this exit would.
public protocol ExitHead: Sendable {
    /// How sure the head is that rows may leave, as logits, [rows, width] -> [rows, 1].
    ///
    /// - Parameters:
    ///   - hidden: rows that have just left the exit's layer, each read once and in the order of their sequence.
    ///   - batch: the head's own states of their sequences, which move on; nil for a head without memory.
    func callAsFunction(_ hidden: Tensor, _ batch: Batch?) -> Tensor

    /// The head's state of an empty sequence; nil for a head without memory.
    func makeState(history: Int) -> SequenceState?

    /// Whether the head remembers the rows before, so that it must read all of them.
    var hasMemory: Bool { get }

    /// What one row costs here.
    var cost: Cost { get }
}

extension ExitHead {
    public var hasMemory: Bool { false }
    public func makeState(history: Int) -> SequenceState? { nil }
}

/// One layer on the normed row (Schuster et al. 2022, CALM, section 3.4; DYNAMAX's simplest classifier).
struct LinearHead: ExitHead {
    let norm: RMSNorm
    /// [1, width]
    let output: Linear

    func callAsFunction(_ hidden: Tensor, _ batch: Batch?) -> Tensor { output(norm(hidden)) }
    var cost: Cost { output.cost }
}

/// A feed-forward net shaped like that of a transformer block, whose last layer gives the decision.
struct FeedForwardHead: ExitHead {
    let norm: RMSNorm
    let gate: Linear
    let up: Linear
    /// [1, inner]
    let down: Linear

    func callAsFunction(_ hidden: Tensor, _ batch: Batch?) -> Tensor {
        let x = norm(hidden)
        return down(gate(x).swiglu(up: up(x)))
    }

    var cost: Cost { gate.cost + up.cost + down.cost }
}

/// A Mamba-2 block that remembers the tokens before, over rows that are narrowed first; its output projection leads to the
/// decision (DYNAMAX, section 3).
///
/// It is a Mamba-2 model of one layer whose vocabulary is the decision; so its state is an ordinary sequence state, which moves,
/// forks and goes back with that of the model that it reads.
struct MambaHead: ExitHead {
    let norm: RMSNorm
    /// [narrow width, width]; nil where the block is as wide as the model.
    let narrowing: Linear?
    let block: DecoderStack

    func callAsFunction(_ hidden: Tensor, _ batch: Batch?) -> Tensor {
        guard let batch else { preconditionFailure("a head with a memory needs its states") }
        let x = norm(hidden)
        return block.head(block.run(0..<1, narrowing.map { $0(x) } ?? x, batch))
    }

    var hasMemory: Bool { true }
    func makeState(history: Int) -> SequenceState? { block.makeState(history: history) }

    var cost: Cost { (narrowing?.cost ?? Cost()) + block.cost(ofLayer: 0, position: 0) + block.headCost }
}
