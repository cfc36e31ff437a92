import DynamaxFormats
import DynamaxLayers

/// What the Mamba families share of config.json. Each family's file adds its own sizes.
struct MambaConfiguration {
    var width: Int
    var layers: Int
    /// Channels of the recurrence: expand * width.
    var inner: Int
    var states: Int
    var taps: Int
    var vocabulary: Int
    var epsilon: Float
    /// Biases of the projections into and out of a layer.
    var bias: Bool
    var convolutionBias: Bool
    var tied: Bool

    /// - Parameter tiedByDefault: what a missing `tie_word_embeddings` means in this family.
    init(_ json: JSONNode, tiedByDefault: Bool) throws(FormatError) {
        try json.requireSilu()
        width = try json.size("hidden_size")
        layers = try json.layerCount()
        let expand = try json.positive("expand", default: 2)
        inner = try json.optionalSize("intermediate_size") ?? Int(min(expand, 1024) * Double(width))
        guard inner > 0 else { throw try json.node("expand").expected("at least 1 / hidden_size") }
        states = try json.size("state_size")
        guard states <= 4096 else { throw try json.node("state_size").expected("at most 4096") }
        taps = try json.optionalSize("conv_kernel") ?? 4
        guard (2...8).contains(taps) else { throw try json.node("conv_kernel").expected("2 to 8 taps") }
        vocabulary = try json.size("vocab_size")
        epsilon = try json.epsilon("layer_norm_epsilon", default: 1e-5)
        bias = try json.optionalBool("use_bias") ?? false
        convolutionBias = try json.optionalBool("use_conv_bias") ?? true
        tied = try json.optionalBool("tie_word_embeddings") ?? tiedByDefault
    }

    /// Loads the model, with layers made by `layer` from the parameters of each.
    func load(
        _ parameters: Parameters, layer: (_ parameters: Parameters) throws -> any DecoderLayer
    ) throws -> DecoderStack {
        // Native files of Codestral Mamba put one more name in front, and name the embedding in the singular.
        let native =
            !parameters.has("backbone.norm_f.weight") && parameters.has("model.backbone.norm_f.weight")
        let root = native ? parameters.scoped("model") : parameters
        let model = root.scoped("backbone")
        let table = model.has("embedding.weight") && !model.has("embeddings.weight") ? "embedding" : "embeddings"
        return DecoderStack(
            embedding: try model.embedding(table, count: vocabulary, width: width),
            layers: try (0..<layers).map { try layer(model.scoped("layers.\($0)")) },
            norm: try model.norm("norm_f", width, epsilon: epsilon),
            output: tied
                ? try model.linear(table, outputs: vocabulary, inputs: width, bias: false, isTable: true)
                : try root.linear("lm_head", outputs: vocabulary, inputs: width, bias: false),
            rotary: nil, width: width, device: parameters.device)
    }
}
