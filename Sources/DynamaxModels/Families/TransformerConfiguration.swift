import DynamaxFormats
import DynamaxLayers
import DynamaxTensor

/// What the transformer families share of config.json. Each family's file sets what is particular to it.
struct TransformerConfiguration {
    var width: Int
    var layers: Int
    var heads: Int
    var kvHeads: Int
    var headWidth: Int
    var inner: Int
    var vocabulary: Int
    var context: Int
    var epsilon: Float
    var tied: Bool?
    var rotary: RotaryEmbedding

    /// Biases of queries, keys and values.
    var queryKeyValueBias = false
    /// Bias of the attention's output.
    var outputBias = false
    var mlpBias = false
    /// Norms over each head of queries and keys.
    var headNorms = false
    /// The sliding window of each layer; nil for full attention.
    var windows: [Int?]

    init(_ json: JSONNode) throws(FormatError) {
        try json.requireSilu()
        width = try json.size("hidden_size")
        layers = try json.layerCount()
        heads = try json.size("num_attention_heads")
        kvHeads =
            json["num_key_value_heads"] == nil
            ? heads : try json.size("num_key_value_heads", dividing: heads, "num_attention_heads")
        if let explicit = try json.optionalSize("head_dim") {
            headWidth = explicit
        } else {
            guard width % heads == 0 else {
                throw try json.node("hidden_size").expected("a multiple of num_attention_heads, which is \(heads)")
            }
            headWidth = width / heads
        }
        guard headWidth % 2 == 0, headWidth <= 1024 else {
            if let explicit = json["head_dim"] { throw explicit.expected("an even number, at most 1024") }
            throw try json.node("hidden_size").expected("num_attention_heads times an even number, at most 1024")
        }
        inner = try json.size("intermediate_size")
        vocabulary = try json.size("vocab_size")
        context = try json.optionalSize("max_position_embeddings") ?? 2048
        epsilon = try json.epsilon("rms_norm_eps", default: 1e-6)
        tied = try json.optionalBool("tie_word_embeddings")
        rotary = try RotaryEmbedding(json, headWidth: headWidth, context: context)
        windows = Array(repeating: nil, count: layers)
    }

    /// The window that `sliding_window` names.
    static func window(_ json: JSONNode) throws(FormatError) -> Int? {
        try json.optionalSize("sliding_window")
    }

    /// The windows of Qwen's layers: those from `max_window_layers` on slide, or those that `layer_types` says.
    mutating func setQwenWindows(_ json: JSONNode) throws(FormatError) {
        let slides = try json.optionalBool("use_sliding_window") ?? false
        let window = try slides ? TransformerConfiguration.window(json) ?? 4096 : nil
        if let types = try json.optionalArray("layer_types") {
            guard types.count == layers else { throw try json.node("layer_types").expected("\(layers) entries") }
            for (layer, type) in types.enumerated() {
                switch try type.string() {
                case "full_attention": windows[layer] = nil
                case "sliding_attention": windows[layer] = window
                default: throw type.expected("full_attention or sliding_attention")
                }
            }
        } else {
            let first = try json.optionalInt("max_window_layers") ?? 28
            for layer in 0..<layers { windows[layer] = layer >= first ? window : nil }
        }
    }

    /// Loads the model under the names that all these families use.
    func load(_ parameters: Parameters) throws -> DecoderStack {
        let model = parameters.scoped("model")
        let blocks = try (0..<layers).map { try layer($0, model.scoped("layers.\($0)")) }
        let isTied = tied ?? !parameters.has("lm_head.weight")
        return DecoderStack(
            embedding: try model.embedding("embed_tokens", count: vocabulary, width: width),
            layers: blocks,
            norm: try model.norm("norm", width, epsilon: epsilon),
            output: try parameters.linear(
                isTied ? "model.embed_tokens" : "lm_head", outputs: vocabulary, inputs: width, bias: false,
                isTable: isTied),
            rotary: rotary, width: width, device: parameters.device)
    }

    private func layer(_ index: Int, _ parameters: Parameters) throws -> LlamaLayer {
        let shape = AttentionShape(
            heads: heads, kvHeads: kvHeads, headWidth: headWidth, window: windows[index],
            cacheFormat: parameters.cacheFormat)
        let attention = parameters.scoped("self_attn")
        let mlp = parameters.scoped("mlp")
        return LlamaLayer(
            attentionNorm: try parameters.norm("input_layernorm", width, epsilon: epsilon),
            queryKeyValue: try attention.linear(
                [("q_proj", heads * headWidth), ("k_proj", shape.kvWidth), ("v_proj", shape.kvWidth)],
                inputs: width, bias: queryKeyValueBias),
            headNorms: headNorms
                ? (
                    try attention.norm("q_norm", headWidth, epsilon: epsilon, group: headWidth),
                    try attention.norm("k_norm", headWidth, epsilon: epsilon, group: headWidth)
                ) : nil,
            attentionOutput: try attention.linear(
                "o_proj", outputs: width, inputs: heads * headWidth, bias: outputBias),
            mlpNorm: try parameters.norm("post_attention_layernorm", width, epsilon: epsilon),
            mlp: GatedMLP(
                gateUp: try mlp.linear([("gate_proj", inner), ("up_proj", inner)], inputs: width, bias: mlpBias),
                down: try mlp.linear("down_proj", outputs: width, inputs: inner, bias: mlpBias)),
            shape: shape)
    }
}
