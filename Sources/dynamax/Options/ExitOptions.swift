public import ArgumentParser
public import DynamaxDepth
import DynamaxFormats
import DynamaxModels
import DynamaxTensor

extension Guarantee: ExpressibleByArgument {}

/// Where and when tokens leave early.
struct ExitOptions: ParsableArguments {
    @Option(
        help: """
            off: all layers for each token. exact: exits draft, the other layers verify; the text is the full model's. \
            bounded: exits decide with a certified threshold. none: exits decide, and the text may differ. Default: exact with \
            --exit or where the model says which exits suit it, bounded with --certificate, else off.
            """)
    var guarantee: Guarantee?

    @Option(
        name: .customLong("exit"),
        help: ArgumentHelp(
            """
            When to leave: depth:D (after D layers), softmax:T (largest probability at least T), margin:T (lead of the \
            most probable token), entropy:T (at most T nats), saturation:T (cosine of the rows around the last layer), \
            reduced:T (largest probability among the few tokens that the first exit favours), \
            heads:FILE@T (learned heads, at least so sure).
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

    @Option(
        help: ArgumentHelp(
            "Draft among the first tokens of the vocabulary only, which takes less time (exact); by default all.",
            valueName: "count"))
    var draftVocabulary: Int?

    @Option(
        help: ArgumentHelp(
            "What `dynamax calibrate` has written; says when to leave (bounded).", valueName: "file"))
    var certificate: String?

    @Option(
        help: """
            What the layers above an exit do, where the guarantee is none: deferred (they catch up when they are needed), project \
            (they move their states by the row that left), copy (they take the keys and values of the layer below), skip (recurrent \
            ones stay as they are).
            """)
    var state: StateRule = .deferred

    @OptionGroup var pacing: PacingOptions

    /// The guarantee that was asked for, or follows from the other options.
    var promise: Guarantee {
        guarantee ?? (certificate != nil ? .bounded : exit != nil ? .exact : .off)
    }

    /// The guarantee with a model that may have exits of its own.
    func guarantee(with bound: BoundModel) -> Guarantee {
        guarantee == nil && promise == .off && bound.exits != nil ? .exact : promise
    }

    func validate() throws {
        if let drafts, !(1...64).contains(drafts) { throw ValidationError("--drafts must be 1 to 64, not \(drafts)") }
        if let draftVocabulary {
            guard draftVocabulary > 0 else { throw ValidationError("--draft-vocabulary must be 1 or more") }
            guard promise == .exact else { throw ValidationError("--draft-vocabulary goes with --guarantee exact") }
        }
        if drafts != nil, promise != .exact { throw ValidationError("--drafts goes with --guarantee exact") }
        guard state == .deferred || promise == .none else {
            throw ValidationError("--state \(state.rawValue) goes with --guarantee none")
        }
        if pacing.isGiven, promise != .none {
            throw ValidationError("--exit-decay, --depth-ceiling and --mean-depth go with --guarantee none")
        }
        if promise == .bounded {
            guard certificate != nil else {
                throw ValidationError("--guarantee bounded needs --certificate, which `dynamax calibrate` writes")
            }
            guard exit == nil, exitLayers == nil else {
                throw ValidationError(
                    "--certificate says when tokens leave, so it takes no --exit and no --exit-layers")
            }
            return
        }
        if certificate != nil { throw ValidationError("--certificate goes with --guarantee bounded") }
        guard let exit else {
            guard promise == .off || promise == .exact else {
                throw ValidationError("--guarantee \(promise.rawValue) needs --exit, which says when tokens leave")
            }
            if exitLayers != nil { throw ValidationError("--exit-layers needs --exit, which says when tokens leave") }
            return
        }
        let specification: ExitSpecification
        do throws(ExitError) {
            specification = try ExitSpecification(exit)
        } catch {
            throw ValidationError("\(error)")
        }
        if case .depth = specification.score, exitLayers != nil {
            throw ValidationError("--exit depth:D says where tokens leave, so it takes no --exit-layers")
        }
    }

    /// The way to decode that the options ask for.
    ///
    /// - Parameters:
    ///   - bound: the model.
    ///   - sampling: how tokens will be drawn.
    ///   - tokens: how many are wanted.
    func decoder(_ bound: BoundModel, _ sampling: Sampling, tokens: Int) throws -> any Decoder {
        let stack = bound.model.stack
        if promise == .bounded, let path = certificate {
            let certificate = try Certificate(contentsOf: path)
            try certificate.check(
                fingerprint: bound.fingerprint(), weights: bound.model.formats, path: path)
            guard sampling.temperature == 0 else {
                throw FormatError(.mismatch, path, "the certificate is for texts without sampling, at temperature 0")
            }
            guard sampling.repetitionPenalty == 1 else {
                throw FormatError(
                    .mismatch, path,
                    "the certificate is for texts without a penalty for repetition, and this one has "
                        + "\(sampling.repetitionPenalty): --repetition-penalty 1 leaves it out")
            }
            guard tokens <= certificate.tokens else {
                throw FormatError(
                    .mismatch, path,
                    "the certificate is for texts of at most \(certificate.tokens) tokens, not \(tokens)")
            }
            return EarlyExitDecoder(
                stack,
                try bound.policy(
                    certificate.exit, layers: certificate.layers, pacing: Pacing(decay: certificate.decay)))
        }
        guard let exit else { return try decoderByDefault(bound) }
        let policy = try bound.policy(
            exit, layers: exitLayers?.tokens.map(Int.init), pacing: pacing.pacing(tokens: tokens))
        switch promise {
        case .off, .bounded: return FullDepthDecoder(stack)
        case .exact: return decoder(stack, drafting: policy, vocabulary: draftVocabulary)
        case .none: return try EarlyExitDecoder(stack, policy, state: state)
        }
    }

    /// The decoder where nothing was said about exits: the model's own ones draft, if it has any.
    private func decoderByDefault(_ bound: BoundModel) throws -> any Decoder {
        guard guarantee(with: bound) == .exact else { return FullDepthDecoder(bound.model.stack) }
        guard let own = bound.exits else { throw ExitError.noneGiven }
        return decoder(
            bound.model.stack, drafting: try bound.policy(own.exit, layers: own.layers),
            vocabulary: draftVocabulary ?? own.draftVocabulary)
    }

    private func decoder(
        _ stack: any LayerStack, drafting policy: ExitPolicy, vocabulary: Int?
    ) -> SelfSpeculativeDecoder {
        SelfSpeculativeDecoder(
            stack, policy, drafts: drafts.map { .fixed($0) } ?? .adaptive(), draftVocabulary: vocabulary)
    }
}

extension BoundModel {
    /// The exits that a text describes, with their heads.
    func policy(_ exit: String, layers: [Int]?, pacing: Pacing = Pacing()) throws -> ExitPolicy {
        try ExitPolicy(
            ExitSpecification(exit), after: layers, pacing: pacing, of: model.stack, fingerprint: fingerprint)
    }
}
