import DynamaxDepth
import DynamaxModels
import DynamaxTensor

/// What all prompts of a task begin with, run once for each kind of state.
final class SharedPast {
    private let stack: any LayerStack
    private let plan: BatchPlan
    private let meter: WorkMeter
    /// The tokens that all prompts begin with.
    private let tokens: [Token]
    private var states: [String: SequenceState] = [:]

    /// Takes all that states of the task will ever consume.
    ///
    /// Few tokens are not worth a state of their own.
    init(
        _ stack: any LayerStack, _ plan: BatchPlan, _ meter: WorkMeter, prompts: some Sequence<ArraySlice<Token>>
    ) {
        (self.stack, self.plan, self.meter) = (stack, plan, meter)
        var common: ArraySlice<Token>?
        for prompt in prompts {
            let before = common ?? prompt
            common = before.prefix(zip(before, prompt).prefix { $0 == $1 }.count)
        }
        tokens = common.map { $0.count >= 8 ? Array($0) : [] } ?? []
    }

    /// States that have consumed prompts of the task.
    ///
    /// - Parameter policy: whose heads remember; nil for states of the full model alone.
    func states(
        after prompts: [ArraySlice<Token>], for policy: EvaluationPolicy?
    ) throws(GenerationError) -> [SequenceState] {
        let pass = ForcedPass(stack, policy?.exits)
        var states: [SequenceState] = []
        for _ in prompts { states.append(try fork(pass, kind: policy?.name ?? "")) }
        let rest = prompts.map { $0.dropFirst(tokens.count) }
        for batch in plan.batches(rest.map(\.count)) {
            let rows = batch.map { ForcedRows(states[$0], Array(rest[$0]), questions: [], runsThrough: true) }
            _ = try meter.measure { () throws(GenerationError) in try pass.run(rows) }
        }
        return states
    }

    /// A state of its own that has consumed the common tokens.
    private func fork(_ pass: ForcedPass, kind: String) throws(GenerationError) -> SequenceState {
        if let state = states[kind] { return state.fork() }
        let state = pass.makeState()
        if !tokens.isEmpty {
            let rows = ForcedRows(state, tokens, questions: [], runsThrough: true)
            _ = try meter.measure { () throws(GenerationError) in try pass.run([rows]) }
        }
        states[kind] = state
        return state.fork()
    }
}
