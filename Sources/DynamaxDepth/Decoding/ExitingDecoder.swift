public import DynamaxModels
public import DynamaxTensor

/// A decoder whose rows may leave at exits; heads that remember read along, from the prompt on.
public protocol ExitingDecoder: Decoder {
    /// Where rows may leave and when.
    var policy: ExitPolicy { get }
}

extension ExitingDecoder {
    /// The state of an empty sequence, with those of heads that remember.
    public func makeState(history: Int) -> SequenceState {
        ExitPass(stack: stack, policy: policy).makeState(history: max(history, self.history))
    }

    /// Runs a prompt through all layers, read by heads that remember.
    public func prefill(_ tokens: [Token], _ state: SequenceState) -> DecodingStep {
        ExitPass(stack: stack, policy: policy).prefill(tokens, state)
    }
}
