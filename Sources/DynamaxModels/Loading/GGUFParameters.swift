import DynamaxFormats
import DynamaxTensor

/// The parameters in a GGUF file, under the names that Hugging Face checkpoints give them.
///
/// Extents of 1 and groups of channels are written differently there, so small parameters are compared by their count.
struct GGUFParameters: ParameterSource {
    let tensors: any TensorSource

    var location: String { tensors.location }

    func has(_ name: String) -> Bool {
        guard let name = ggufName(name) else { return false }
        return (try? tensors.tensor(name)) != nil
    }

    func matrix(_ name: String, rows: Int, columns: Int) throws -> StoredMatrix {
        try CheckpointParameters(tensors).matrix(try required(name), rows: rows, columns: columns)
    }

    func numbers(_ name: String, shape: [Int]) throws -> [Float] {
        let stored = try required(name)
        let tensor = try tensors.require(stored)
        guard tensor.count == shape.reduce(1, *) else {
            throw FormatError(
                .mismatch, location, "the tensor \(stored) has shape \(tensor.shape), expected \(shape)")
        }
        let numbers = try tensor.floats()
        // The file holds -exp(A_log).
        return name.hasSuffix("A_log") ? numbers.map { logarithm(-$0) } : numbers
    }

    private func required(_ name: String) throws -> String {
        guard let stored = ggufName(name) else {
            throw FormatError(.missing, location, "the format has no tensor for \(name)")
        }
        return stored
    }

    /// What GGUF calls a parameter.
    private func ggufName(_ name: String) -> String? {
        if let whole = GGUFParameters.whole[name] { return whole }
        let parts = name.split(separator: ".", maxSplits: 3).map(String.init)
        guard parts.count == 4, ["model", "backbone"].contains(parts[0]), parts[1] == "layers",
            let layer = Int(parts[2])
        else { return nil }
        if let bare = GGUFParameters.bare[parts[3]] { return "blk.\(layer).\(bare)" }
        guard let dot = parts[3].lastIndex(of: "."), let stem = GGUFParameters.stems[String(parts[3][..<dot])] else {
            return nil
        }
        return "blk.\(layer).\(stem)\(parts[3][dot...])"
    }

    private static let whole = [
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
        "lm_head.weight": "output.weight",
        "backbone.embeddings.weight": "token_embd.weight",
        "backbone.norm_f.weight": "output_norm.weight",
    ]

    /// Parameters whose GGUF names have no ".weight" or another ending.
    private static let bare = [
        "mixer.A_log": "ssm_a", "mixer.D": "ssm_d", "mixer.dt_bias": "ssm_dt.bias",
    ]

    private static let stems = [
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
        "norm": "attn_norm", "mixer.in_proj": "ssm_in", "mixer.conv1d": "ssm_conv1d", "mixer.x_proj": "ssm_x",
        "mixer.dt_proj": "ssm_dt", "mixer.norm": "ssm_norm", "mixer.out_proj": "ssm_out",
    ]
}
