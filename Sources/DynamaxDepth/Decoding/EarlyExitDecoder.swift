public import DynamaxModels
public import DynamaxTensor

/// Commits each token at the first exit whose score passes; the states of the layers above follow a rule.
///
/// By default they are deferred. Rows that leave wait before the layer where they stopped. When a later row goes deeper, they run
/// with it, as one batch, so that no layer ever misses a position: the state stays the full model's (cf. Bae et al. 2023,
/// FREE, section 3.3). Under the other rules nothing waits, and the states are approximate.
/// The tokens may differ from the full model's: this is the guarantee `none`.
public struct EarlyExitDecoder: StepDecoder, ExitingDecoder {
    public let stack: any LayerStack
    /// Where rows may leave and when.
    public let policy: ExitPolicy
    /// What happens to the states of the layers above an exit.
    public let rule: StateRule
    private var pacer: Pacer

    /// Makes a decoder whose policy fits the stack, with deferred states.
    public init(_ stack: any LayerStack, _ policy: ExitPolicy) {
        self.init(stack, policy, rule: .deferred)
    }

    /// Makes a decoder whose policy fits the stack.
    ///
    /// - Parameter rule: of the states that it is given; in none of them may rows wait that another rule has left there.
    /// - Throws: `ExitError` where the model's layers cannot follow the rule.
    public init(_ stack: any LayerStack, _ policy: ExitPolicy, state rule: StateRule) throws(ExitError) {
        guard rule.fits(stack) else {
            throw .stateRule(rule, fitting: StateRule.allCases.filter { $0.fits(stack) })
        }
        self.init(stack, policy, rule: rule)
    }

    private init(_ stack: any LayerStack, _ policy: ExitPolicy, rule: StateRule) {
        (self.stack, self.policy, self.rule) = (stack, policy, rule)
        pacer = Pacer(policy, layers: stack.layerCount)
    }

    public mutating func step(_ token: Token, _ state: SequenceState) -> DecodingStep {
        precondition(rule == .deferred || state.pendingRows == 0, "rows wait that another rule has left")
        var pass = ExitPass(stack: stack, policy: policy, rule: rule, pacer: pacer)
        var ledger = Ledger()
        switch pass.run(token, state, &ledger) {
        case .left(let logits, let row, let layer, let score):
            pacer.record(layer: layer, scores: pass.scores)
            let logits = logits ?? pass.head(row, &ledger)
            return DecodingStep(logits: logits, layer: layer, score: score, ledger: ledger)
        case .top(let rows):
            pacer.record(layer: stack.layerCount, scores: pass.scores)
            let logits = pass.head(pass.newest(rows), &ledger)
            return DecodingStep(logits: logits, layer: stack.layerCount, score: nil, ledger: ledger)
        }
    }
}
