import DynamaxFormats
import DynamaxLayers
import DynamaxTensor

extension RotaryEmbedding {
    /// Reads the rotary embedding of a config.json, in both spellings: `rope_parameters`, or `rope_theta` with
    /// `rope_scaling`.
    ///
    /// `dynamic` scaling changes nothing up to `max_position_embeddings`, beyond which Dynamax does not go.
    init(_ json: JSONNode, headWidth: Int, context: Int) throws(FormatError) {
        let parameters = json["rope_parameters"]
        let fields = parameters ?? json["rope_scaling"]
        _ = try fields?.object()
        let base = try (parameters?["rope_theta"] == nil ? json : parameters ?? json)
            .positive("rope_theta", default: 10_000)
        let partialHolder = parameters?["partial_rotary_factor"] == nil ? json : parameters ?? json
        let partial = try partialHolder.positive("partial_rotary_factor", default: 1)
        let width = min(headWidth, Int((Double(headWidth) * min(partial, 1)).rounded(.down)) / 2 * 2)
        guard width >= 2 else {
            throw try partialHolder.node("partial_rotary_factor").expected(
                "so large that two columns are left to rotate")
        }
        let scaling = try fields.map { fields throws(FormatError) in
            try Scaling(fields, context: context, pairs: width / 2)
        }
        self.init(
            width: width, base: base, scaling: scaling ?? .none,
            interleaved: try json.optionalBool("rope_interleaved") ?? false)
    }
}

extension RotaryEmbedding.Scaling {
    fileprivate init(_ json: JSONNode, context: Int, pairs: Int) throws(FormatError) {
        let field = json["rope_type"] ?? json["type"]
        let original = try json.positive("original_max_position_embeddings", default: Double(context))
        switch try field?.string() ?? "default" {
        case "default", "dynamic", "mrope":
            self = .none
        case "linear":
            self = .linear(factor: try json.positive("factor", default: 1))
        case "llama3":
            self = .llama3(
                factor: try json.positive("factor", default: 1),
                lowFrequencyFactor: try json.positive("low_freq_factor", default: 1),
                highFrequencyFactor: try json.positive("high_freq_factor", default: 4),
                originalContext: original)
        case "yarn":
            let factor = try json.positive("factor", default: max(Double(context) / original, 1))
            self = .yarn(
                factor: factor,
                betaFast: try json.positive("beta_fast", default: 32),
                betaSlow: try json.positive("beta_slow", default: 1),
                originalContext: original,
                attentionFactor: try RotaryEmbedding.Scaling.attentionFactor(json, factor: factor),
                truncate: try json.optionalBool("truncate") ?? true)
        case "divisors":
            // Not a type of config.json: what the tensor rope_freqs of a GGUF file becomes.
            let divisors = try json.array("divisors").map { divisor throws(FormatError) in Float(try divisor.double()) }
            guard divisors.count == pairs, divisors.allSatisfy({ $0 > 0 }) else {
                throw try json.node("divisors").expected("\(pairs) numbers above zero")
            }
            self = .divisors(divisors)
        default:
            throw field?.expected("default, linear, dynamic, llama3 or yarn")
                ?? json.expected("an object with a rope_type")
        }
    }

    /// YaRN's factor for cosines and sines: as given, or from `mscale`, or 0.1 ln(factor) + 1.
    private static func attentionFactor(_ json: JSONNode, factor: Double) throws(FormatError) -> Double {
        if json["attention_factor"] != nil { return try json.positive("attention_factor", default: 1) }
        func magnitude(_ scale: Double) -> Double { factor <= 1 ? 1 : 0.1 * scale * logarithm(factor) + 1 }
        guard json["mscale"] != nil, json["mscale_all_dim"] != nil else { return magnitude(1) }
        return magnitude(try json.positive("mscale", default: 1))
            / magnitude(try json.positive("mscale_all_dim", default: 1))
    }
}
