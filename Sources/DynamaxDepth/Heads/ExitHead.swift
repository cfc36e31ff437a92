public import DynamaxLayers
public import DynamaxModels
public import DynamaxTensor

/// What has learned to judge rows at one exit: whether the full model would go on as this exit would.
public protocol ExitHead: Sendable {
    /// How sure the head is that rows may leave, as logits, [rows, width] -> [rows, 1].
    ///
    /// - Parameters:
    ///   - hidden: rows that have just left the exit's layer, each read once and in the order of their sequence.
    ///   - context: what the head knows beside them.
    func callAsFunction(_ hidden: Tensor, _ context: ExitHeadContext) -> Tensor

    /// The rows as the final norm and the language-model head understand them: the exit's token is drawn from these,
    /// [rows, width] -> [rows, width].
    func translate(_ hidden: Tensor) -> Tensor

    /// Whether the head reads what the exit says, the logits of the translated rows.
    var readsLogits: Bool { get }

    /// The head's state of an empty sequence; nil for a head without memory.
    func makeState(history: Int) -> SequenceState?

    /// Whether the head remembers the rows before, so that it must read all of them.
    var hasMemory: Bool { get }

    /// What one row costs here, translating included, without the language-model head.
    var cost: Cost { get }
}

/// What a head knows beside rows.
public struct ExitHeadContext {
    /// The head's own states of the rows' sequences, which move on; nil for a head without memory.
    public var batch: Batch?
    /// The logits of the translated rows, [rows, vocabulary]; nil for a head that does not read them.
    public var logits: Tensor?

    /// Takes what is known.
    public init(batch: Batch? = nil, logits: Tensor? = nil) {
        (self.batch, self.logits) = (batch, logits)
    }
}

extension ExitHead {
    public func translate(_ hidden: Tensor) -> Tensor { hidden }
    public var readsLogits: Bool { false }
    public var hasMemory: Bool { false }
    public func makeState(history: Int) -> SequenceState? { nil }
}

/// One layer on the normed row (Schuster et al. 2022, CALM, section 3.4; DYNAMAX's simplest classifier).
struct LinearHead: ExitHead {
    let norm: RMSNorm
    /// [1, width]
    let output: Linear

    func callAsFunction(_ hidden: Tensor, _ context: ExitHeadContext) -> Tensor { output(norm(hidden)) }
    var cost: Cost { output.cost }
}

/// A feed-forward net shaped like that of a transformer block, whose last layer gives the decision.
struct FeedForwardHead: ExitHead {
    let norm: RMSNorm
    let gate: Linear
    let up: Linear
    /// [1, inner]
    let down: Linear

    func callAsFunction(_ hidden: Tensor, _ context: ExitHeadContext) -> Tensor {
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

    func callAsFunction(_ hidden: Tensor, _ context: ExitHeadContext) -> Tensor {
        guard let batch = context.batch else { preconditionFailure("a head with a memory needs its states") }
        let x = norm(hidden)
        return block.head(block.run(0..<1, narrowing.map { $0(x) } ?? x, batch))
    }

    var hasMemory: Bool { true }
    func makeState(history: Int) -> SequenceState? { block.makeState(history: history) }

    var cost: Cost { (narrowing?.cost ?? Cost()) + block.cost(ofLayer: 0, position: 0) + block.headCost }
}

/// A gate on how sure the exit's distribution is, with a translator of its own or on the shared head as it is
/// (Regol et al. 2024, JEI-DNN).
///
/// The paper's inference modules are classifiers, one for each exit. A vocabulary-sized matrix for each would cost more than it
/// saves, so that a module is an affine map of rows to the basis of the last layer, before the norm and head that all exits
/// share; it starts as the identity (Belrose et al. 2023, tuned lens).
struct GateHead: ExitHead {
    /// [width, width], what is added to rows; nil for none.
    let translator: Linear?
    /// [1, 4], on `GateStatistics`.
    let gate: Linear

    func callAsFunction(_ hidden: Tensor, _ context: ExitHeadContext) -> Tensor {
        guard let logits = context.logits else { preconditionFailure("a gate reads what its exit says") }
        return judge(GateStatistics.of(logits), on: logits.device)
    }

    func judge(_ statistics: [GateStatistics], on device: Device) -> Tensor {
        gate(GateStatistics.tensor(statistics, on: device))
    }

    func translate(_ hidden: Tensor) -> Tensor { translator.map { $0(hidden, adding: hidden) } ?? hidden }

    var readsLogits: Bool { true }
    var cost: Cost { (translator?.cost ?? Cost()) + gate.cost }
}
