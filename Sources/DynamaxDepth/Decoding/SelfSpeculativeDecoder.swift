public import DynamaxModels
public import DynamaxTensor

/// Writes what the full model writes, faster: exits draft tokens, and the remaining layers verify them in one batch.
///
/// A draft leaves at the first exit whose score passes, and waits there. A row that no exit lets go, or the last of a round,
/// takes all waiting rows to the top; there the full model's own tokens are drawn, and drafts are kept as far as they are
/// the same (self-speculative decoding: Elhoushi et al. 2024, LayerSkip, section 4.3; drafts of any depth and length: Liu et al.
/// 2024, Kangaroo). Rows have the same bits in any batch, so the tokens, sampled ones included, are those of
/// `FullDepthDecoder`: this is the guarantee `exact`. Recurrent layers are taken back by replaying their inputs.
public struct SelfSpeculativeDecoder: ExitingDecoder {
    public let stack: any LayerStack
    /// Where drafts may leave and when.
    public let policy: ExitPolicy
    /// How many tokens are drafted in a round.
    public private(set) var drafts: DraftLength
    /// The first tokens of the vocabulary, among which drafts are chosen; nil for all.
    public let draftVocabulary: Int?
    /// Whether the state records what it takes to go back by others' wish too; nil before the first round.
    private var recordsAlways: Bool?

    /// Makes a decoder whose policy fits the stack.
    ///
    /// - Parameter draftVocabulary: tokens to draft among. Vocabularies begin with their frequent tokens mostly, and a small
    ///   head takes little time (as frequency-ranked drafts: Zhao et al. 2025, FR-Spec). nil for all, or at most as many as there are.
    public init(
        _ stack: any LayerStack, _ policy: ExitPolicy, drafts: DraftLength = .adaptive(), draftVocabulary: Int? = nil
    ) {
        self.stack = stack
        self.policy = policy
        self.drafts = drafts
        self.draftVocabulary = draftVocabulary.map { min(max($0, 1), stack.vocabularySize) }
    }

    /// More than a round takes back: a recurrent layer copies its state once in so many positions.
    public var history: Int { max(drafts.longest + 1, 16) }

    /// The state of an empty sequence. It records only while there are drafts, unless a history is asked for.
    public func makeState(history wanted: Int) -> SequenceState {
        let state = ExitPass(stack: stack, policy: policy).makeState(history: max(wanted, history))
        state.records = wanted > 0
        return state
    }

    public mutating func decide(
        after token: Token, _ state: SequenceState, _ sampler: Sampler, room: Int, into choices: inout [Choice]
    ) throws(GenerationError) -> Ledger {
        let length = policy.layers.isEmpty ? 0 : min(drafts.next(), room - 1)
        let start = ContinuousClock.now
        let recordsAlways = recordsAlways ?? state.records
        self.recordsAlways = recordsAlways
        state.records = recordsAlways || length > 0
        let ledger = try decide(after: token, state, sampler, drafting: length, into: &choices)
        drafts.record(
            Round(
                length: length, drafted: ledger.draftedTokens, accepted: ledger.acceptedTokens,
                seconds: start.duration(to: .now) / .seconds(1)))
        return ledger
    }

    private func decide(
        after token: Token, _ state: SequenceState, _ sampler: Sampler, drafting length: Int,
        into choices: inout [Choice]
    ) throws(GenerationError) -> Ledger {
        var pass = ExitPass(stack: stack, policy: policy, vocabulary: draftVocabulary)
        let first = state.length
        var ledger = Ledger()
        var drafted: [Choice] = []
        var drafter = sampler
        var top: Tensor?
        while top == nil {
            let newest = drafted.last?.token ?? token
            switch pass.run(newest, state, mayLeave: drafted.count < length, &ledger) {
            case .left(let logits, let row, let layer, let score):
                let logits = logits ?? pass.head(row, &ledger)
                let step = DecodingStep(logits: logits, layer: layer, score: score, ledger: ledger)
                let choice = try step.choice(drafter, at: state.length)
                drafter.accept(choice.token)
                drafted.append(choice)
            case .top(let rows):
                top = rows
            }
        }
        ledger.draftedTokens = drafted.count
        choices += try verify(drafted, top!, from: first, state, sampler, &ledger)
        return ledger
    }

    /// The full model's tokens as far as the drafts are the same, and the one after; the state forgets the other drafts.
    ///
    /// - Parameter rows: what left the last layer for the positions from `first` on.
    private func verify(
        _ drafted: [Choice], _ rows: Tensor, from first: Int, _ state: SequenceState, _ sampler: Sampler,
        _ ledger: inout Ledger
    ) throws(GenerationError) -> [Choice] {
        precondition(rows.rows == drafted.count + 1)
        let logits = ExitPass(stack: stack, policy: policy).head(rows, &ledger)
        var choices: [Choice] = []
        var sampler = sampler  // each token is drawn with the past that it was drafted with
        for row in 0...drafted.count {
            let step = DecodingStep(
                logits: logits.rows(row..<row + 1), layer: stack.layerCount, score: nil, ledger: ledger)
            let choice = try step.choice(sampler, at: first + row + 1)
            guard row < drafted.count, drafted[row].token == choice.token else {
                let rejected = row < drafted.count ? drafted[row].token : nil
                choices.append(Choice(token: choice.token, layer: choice.layer, score: nil, rejected: rejected))
                break
            }
            sampler.accept(choice.token)
            choices.append(drafted[row])
        }
        ledger.acceptedTokens = choices.count - 1
        let consumed = first + choices.count
        guard consumed < state.length else { return choices }
        do throws(StateError) {
            try state.truncate(to: consumed)
        } catch {
            preconditionFailure("a state was made without the decoder's history: \(error)")
        }
        return choices
    }
}
