import ArgumentParser
import DynamaxDepth
import DynamaxModels

/// What the text promises to have in common with the full model's.
enum Guarantee: String, ExpressibleByArgument, CaseIterable {
    case off, exact, bounded, none
}

/// How the layers above an exit are kept true.
enum StateRule: String, ExpressibleByArgument, CaseIterable {
    case deferred, project, copy, skip
}

/// Where and when tokens leave early.
struct ExitOptions: ParsableArguments {
    @Option(
        help: """
            off: all layers for each token. exact: exits draft, the other layers verify; the text is the full model's. none: a \
            token is written where its exit says so, and may differ. Default: exact with --exit, else off.
            """)
    var guarantee: Guarantee?

    @Option(
        name: .customLong("exit"),
        help: ArgumentHelp(
            """
            When to leave: depth:D (after D layers), softmax:T (largest probability at least T), margin:T (lead of the \
            most probable token), entropy:T (at most T nats), saturation:T (cosine of the rows around the last layer).
            """, valueName: "spec"))
    var exit: String?

    @Option(
        help: ArgumentHelp(
            "Layers after which to look, separated by commas; by default each of the latter half.", valueName: "layers")
    )
    var exitLayers: TokenList?

    @Option(
        help: ArgumentHelp(
            "Tokens drafted before they are verified (exact); by default as many as pay.", valueName: "count"))
    var drafts: Int?

    @Option(help: "What the layers above an exit do: deferred (they catch up when they are needed).")
    var state: StateRule = .deferred

    func validate() throws {
        if guarantee == .bounded {
            throw ValidationError("--guarantee bounded is not built yet: choose off, exact or none")
        }
        if let drafts, !(1...64).contains(drafts) { throw ValidationError("--drafts must be 1 to 64, not \(drafts)") }
        if drafts != nil, let guarantee, guarantee != .exact {
            throw ValidationError("--drafts goes with --guarantee exact")
        }
        guard state == .deferred else {
            throw ValidationError("--state \(state.rawValue) is not built yet: choose deferred")
        }
        guard let exit else {
            if let guarantee, guarantee != .off {
                throw ValidationError("--guarantee \(guarantee.rawValue) needs --exit, which says when tokens leave")
            }
            if exitLayers != nil { throw ValidationError("--exit-layers needs --exit, which says when tokens leave") }
            return
        }
        let score: ExitScore
        do throws(ExitError) {
            score = try ExitScore(exit)
        } catch {
            throw ValidationError("\(error)")
        }
        if case .depth = score, exitLayers != nil {
            throw ValidationError("--exit depth:D says where tokens leave, so it takes no --exit-layers")
        }
    }

    /// The way to decode that the options ask for; bounded was refused.
    func decoder(_ stack: any LayerStack) throws -> any Decoder {
        guard let exit else { return FullDepthDecoder(stack) }
        let policy = try ExitPolicy(
            ExitScore(exit), after: exitLayers?.tokens.map(Int.init), of: stack.layerCount)
        switch guarantee ?? .exact {
        case .off: return FullDepthDecoder(stack)
        case .exact, .bounded:
            return SelfSpeculativeDecoder(stack, policy, drafts: drafts.map { .fixed($0) } ?? .adaptive())
        case .none: return EarlyExitDecoder(stack, policy)
        }
    }
}
