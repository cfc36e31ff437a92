public import DynamaxModels
public import DynamaxTensor

/// Commits each token at the first exit whose score passes; the state of the layers above is deferred.
///
/// Rows that leave wait before the layer where they stopped. When a later row goes deeper, they run with it, as one batch, so
/// that no layer ever misses a position: the state stays the full model's (cf. Bae et al. 2023, FREE, section 3.3).
/// The tokens may differ from the full model's: this is the guarantee `none`.
public struct EarlyExitDecoder: StepDecoder, ExitingDecoder {
    public let stack: any LayerStack
    /// Where rows may leave and when.
    public let policy: ExitPolicy

    /// Makes a decoder whose policy fits the stack.
    public init(_ stack: any LayerStack, _ policy: ExitPolicy) {
        self.stack = stack
        self.policy = policy
    }

    public func step(_ token: Token, _ state: SequenceState) -> DecodingStep {
        let pass = ExitPass(stack: stack, policy: policy)
        var ledger = Ledger()
        switch pass.run(token, state, &ledger) {
        case .left(let logits, let row, let layer, let score):
            let logits = logits ?? pass.head(row, &ledger)
            return DecodingStep(logits: logits, layer: layer, score: score, ledger: ledger)
        case .top(let rows):
            let logits = pass.head(pass.newest(rows), &ledger)
            return DecodingStep(logits: logits, layer: stack.layerCount, score: nil, ledger: ledger)
        }
    }
}
