package import DynamaxFormats

/// A kind of model: how its configuration is read and its parameters become layers.
protocol Family {
    /// - Parameters:
    ///   - json: config.json
    ///   - parameters: under the names of the family's checkpoints.
    static func load(_ json: JSONNode, _ parameters: Parameters) throws -> DecoderStack
}

/// A family of transformers that differs from Llama in its configuration only.
protocol TransformerFamily: Family {
    static func configuration(_ json: JSONNode) throws(FormatError) -> TransformerConfiguration
}

extension TransformerFamily {
    static func load(_ json: JSONNode, _ parameters: Parameters) throws -> DecoderStack {
        try configuration(json).load(parameters)
    }
}

/// The family that `model_type` names.
func family(of json: JSONNode) throws(FormatError) -> any Family.Type {
    let type = try json.node("model_type")
    switch try type.string() {
    case "llama": return Llama.self
    case "mistral": return Mistral.self
    case "qwen2": return Qwen2.self
    case "qwen3": return Qwen3.self
    case "mamba": return Mamba.self
    case "mamba2": return Mamba2.self
    case "falcon_mamba": return FalconMamba.self
    default: throw type.expected("one of llama, mistral, qwen2, qwen3, mamba, mamba2, falcon_mamba")
    }
}

/// Loads the layers of a model whose parameters are part of another file: a small model that helps a large one.
package func loadStack(_ configuration: JSONNode, _ parameters: Parameters) throws -> DecoderStack {
    try family(of: configuration).load(configuration, parameters)
}
