import DynamaxDepth
import DynamaxModels
import DynamaxTensor

/// What all prompts of a task begin with, run once for each kind of state.
final class SharedPast {
    private let stack: any LayerStack
    /// The tokens that all prompts begin with.
    let tokens: [Token]
    private var states: [String: SequenceState] = [:]

    /// Takes prompts; of each, at least the last token is left to itself.
    ///
    /// Few tokens are not worth a state of their own.
    init(_ stack: any LayerStack, prompts: some Sequence<ArraySlice<Token>>) {
        self.stack = stack
        var common: ArraySlice<Token>?
        for prompt in prompts {
            let before = common ?? prompt
            common = before.prefix(zip(before, prompt).prefix { $0 == $1 }.count)
        }
        tokens = common.map { $0.count >= 8 ? Array($0) : [] } ?? []
    }

    /// A state of its own that has consumed the common tokens.
    ///
    /// - Parameter policy: whose heads remember; nil for a state of the full model alone.
    func fork(for policy: EvaluationPolicy?) throws(GenerationError) -> SequenceState {
        let kind = policy?.name ?? ""
        if let state = states[kind] { return state.fork() }
        let pass = ForcedPass(stack, policy?.exits)
        let state = pass.makeState()
        if !tokens.isEmpty {
            _ = try pass.run([ForcedRows(state, tokens, questions: [], runsThrough: true)])
        }
        states[kind] = state
        return state.fork()
    }
}
