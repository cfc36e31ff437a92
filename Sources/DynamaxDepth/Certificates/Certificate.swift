public import DynamaxFormats

/// A threshold for which the expected loss by leaving early is bounded, and all that the bound rests on.
///
/// It is valid for prompts from the source of the calibration prompts, and for the model that it was made with.
public struct Certificate: Hashable, Sendable {
    /// Digest of the model (`CheckpointFiles.fingerprint`).
    public var model: String
    /// How its weights were held, and keys and values (`LanguageModel.formats`).
    public var weights: String
    /// The exits, as `--exit` takes them, with the threshold.
    public var exit: String
    /// Layers that exits lie after.
    public var layers: [Int]
    /// How the threshold falls along a text; nil where it stays.
    public var decay: ThresholdDecay?
    /// Tokens of each text.
    public var tokens: Int
    public var divergence: Divergence
    public var consistency: Consistency
    public var pValue: LearnThenTest.PValue
    /// The expected loss is at most `delta`, unless a chance of `epsilon` has come true.
    public var delta: Double
    public var epsilon: Double
    /// Calibration prompts, and the digest of their tokens.
    public var prompts: Int
    public var promptsDigest: String
    /// Their mean loss, and the chance of one so low if the bound were broken.
    public var meanDivergence: Double
    public var probability: Double
    /// Mean layers of a token, for information.
    public var meanLayers: Double

    static let format = "dynamax-certificate-1"

    /// The certificate as JSON.
    public var json: JSON {
        var json: JSONObject = [
            "format": .string(Certificate.format), "model": .string(model),
            "weights": .string(weights), "exit": .string(exit),
            "layers": .array(layers.map { .integer($0) }), "tokens": .integer(tokens),
            "divergence": .string(divergence.rawValue), "consistency": .string(consistency.rawValue),
            "p_value": .string(pValue.rawValue), "delta": .number(delta),
            "epsilon": .number(epsilon), "prompts": .integer(prompts), "prompts_sha256": .string(promptsDigest),
            "mean_divergence": .number(meanDivergence), "probability": .number(probability),
            "mean_layers": .number(meanLayers),
        ]
        if let decay {
            json.set("decay", ["form": .string(decay.form.rawValue), "rate": .number(decay.rate)])
        }
        return .object(json)
    }
}

/// Why no certificate can be given.
public enum CertificateError: Error, Equatable, CustomStringConvertible {
    case settings(String)
    case tooFewPrompts(Int, needed: Int, delta: Double, epsilon: Double)
    case nothingPasses(exit: String, meanDivergence: Double, probability: Double, epsilon: Double)

    public var description: String {
        switch self {
        case .settings(let problem): problem
        case .tooFewPrompts(let count, let needed, let delta, let epsilon):
            "\(count) prompts are too few for delta \(delta) and epsilon \(epsilon): even a threshold that never errs needs "
                + "\(needed)"
        case .nothingPasses(let exit, let mean, let probability, let epsilon):
            "no threshold passes: the safest, \(exit), has a mean divergence of \(mean), which the bound would show with a "
                + "chance of \(probability), above epsilon, \(epsilon)"
        }
    }
}
