public import DynamaxDepth
import DynamaxFormats
public import DynamaxModels

/// A policy, with a model that it fits.
public struct EvaluationPolicy: Sendable {
    public let specification: PolicySpecification
    /// Where tokens may leave; nil for the full model.
    public let exits: ExitPolicy?
    /// The longest text that a certificate is for; nil without one.
    let certifiedTokens: Int?
    /// How manifests speak of it.
    public let entry: RunManifest.Policy

    /// Loads what the policy needs.
    ///
    /// - Parameter fingerprint: of the model, which heads and certificates have to belong to.
    /// - Throws: `ExitError` or `FormatError` where something does not fit the model.
    public init(
        _ specification: PolicySpecification, _ model: LanguageModel, fingerprint: String
    ) throws {
        self.specification = specification
        var (exit, layers, pacing, file) = (specification.exit, specification.layers, Pacing(), String?.none)
        var certified: Int?
        if specification.guarantee == .bounded, let path = specification.exit {
            let certificate = try Certificate(contentsOf: path)
            try certificate.check(fingerprint: fingerprint, weights: model.formats, path: path)
            (exit, layers, file) = (certificate.exit, certificate.layers, path)
            pacing.decay = certificate.decay
            certified = certificate.tokens
        }
        certifiedTokens = certified
        let parsed = try exit.map { try ExitSpecification($0) }
        exits = try parsed.map { parsed in
            try ExitPolicy(
                parsed, after: layers, pacing: pacing, of: model.stack,
                fingerprint: { () throws(FormatError) in fingerprint })
        }
        if let exits { _ = try EarlyExitDecoder(model.stack, exits, state: specification.state) }
        entry = RunManifest.Policy(
            name: specification.name, guarantee: specification.guarantee.rawValue, exit: exit,
            exitLayers: exits?.layers ?? [], state: specification.state.rawValue,
            fileDigest: try (file ?? parsed?.headsFile).map { path in try SHA256.digest(ofFile: path) })
    }

    public var name: String { specification.name }

    /// Whether likelihoods are the full model's: verified tokens are, so nothing is gained and nothing lost.
    var scoresAsOff: Bool { exits == nil || specification.guarantee == .exact }

    /// Whether likelihoods take a step for each token: states that are not the full model's depend on what was decided before.
    var isStepwise: Bool { exits != nil && specification.state != .deferred }

    /// Whether texts can be written many at once: verification takes each back on its own.
    var writesTogether: Bool { !isStepwise && specification.guarantee != .exact }

    /// Whether states are those of the full model alone, without heads that remember, so that policies can share them.
    var sharesStates: Bool { exits?.heads?.remember != true }

    /// A decoder that writes under the policy.
    func decoder(_ stack: any LayerStack) throws(ExitError) -> any Decoder {
        guard let exits else { return FullDepthDecoder(stack) }
        return specification.guarantee == .exact
            ? SelfSpeculativeDecoder(stack, exits, drafts: specification.drafts.map { .fixed($0) } ?? .adaptive())
            : try EarlyExitDecoder(stack, exits, state: specification.state)
    }
}
