import DynamaxLayers
public import DynamaxModels
import DynamaxTensor

/// Runs known tokens of several sequences through a model with exits, level by level, all rows of a level as one batch.
///
/// After each exit, rows that have not left are judged, and those that pass leave with what the exit says. Rows behind the
/// last one that goes deeper wait; those before it run on with it. As states stay the full model's (the rule `deferred`), each
/// decision is the one that `EarlyExitDecoder` takes token by token, to the bit. Without exits it is the full model.
public struct ForcedPass {
    public let stack: any LayerStack
    /// Where rows may leave and when; nil for nowhere.
    public let policy: ExitPolicy?
    /// Rows of a sequence that run together at most.
    private let chunk: Int

    /// Takes exits, unless their pacing looks back at what was decided before.
    ///
    /// - Parameter chunk: bounds memory, and changes no bit of what is said.
    public init(_ stack: any LayerStack, _ policy: ExitPolicy?, chunk: Int = 512) {
        precondition(chunk > 0 && policy?.pacing.ceiling == nil && policy?.pacing.meanDepth == nil)
        (self.stack, self.policy, self.chunk) = (stack, policy, chunk)
    }

    /// The state of an empty sequence, with those of heads that remember.
    public func makeState() -> SequenceState {
        let state = stack.makeState(history: 0)
        policy?.heads?.attach(to: state, history: 0)
        return state
    }

    /// Runs rows.
    ///
    /// - Parameter sequences: each with a state of its own, made by `makeState` or forked from one that was.
    /// - Returns: what was said, for each of them.
    /// - Throws: `GenerationError.notANumber` where logits are not.
    public func run(_ sequences: [ForcedRows]) throws(GenerationError) -> [ForcedRows.Answers] {
        var answers = sequences.map { _ in ForcedRows.Answers(rows: []) }
        var start = 0
        while true {
            let parts = sequences.indices.filter { sequences[$0].tokens.count > start }
            guard !parts.isEmpty else { return answers }
            var level = ForcedLevel(self, sequences, parts, from: start, upTo: chunk)
            try level.run()
            for (part, said) in zip(parts, level.answers) {
                answers[part].rows += said.rows
                answers[part].ledger += said.ledger
            }
            start += chunk
        }
    }
}
