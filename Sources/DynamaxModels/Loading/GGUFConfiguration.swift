import DynamaxFormats

/// The configuration of the model in a GGUF file, in the terms of config.json.
///
/// One reader of configurations serves both formats, so what a GGUF file says differently is translated here.
struct GGUFConfiguration {
    private let metadata: GGUFMetadata
    private let tensors: any TensorSource

    init(_ metadata: GGUFMetadata, _ tensors: any TensorSource) {
        self.metadata = metadata
        self.tensors = tensors
    }

    func json() throws -> JSONNode {
        let architecture = try metadata.string("general.architecture")
        var fields: [(key: String, value: JSON)]
        switch architecture {
        case "llama", "qwen2", "qwen3": fields = try transformerFields(architecture)
        case "mamba", "mamba2": fields = try mambaFields(architecture)
        default: throw metadata.expected("one of llama, qwen2, qwen3, mamba, mamba2", "general.architecture")
        }
        let embedding = try tensors.require("token_embd.weight")
        fields += [
            ("vocab_size", .integer(embedding.rowCount)),
            ("hidden_size", .integer(try metadata.int("\(architecture).embedding_length"))),
            ("num_hidden_layers", .integer(try metadata.int("\(architecture).block_count"))),
            ("tie_word_embeddings", .bool(try tensors.tensor("output.weight") == nil)),
        ]
        return JSONNode(GGUFConfiguration.object(fields), location: metadata.location)
    }

    /// An object of the fields that have a value.
    private static func object(_ fields: [(key: String, value: JSON)]) -> JSON {
        var object = JSONObject()
        for (key, value) in fields where value.kind != "null" { object.set(key, value) }
        return .object(object)
    }

    private func integer(_ key: String) throws -> JSON { try metadata.optionalInt(key).map { .integer($0) } ?? .null }
    private func number(_ key: String) throws -> JSON { try metadata.optionalDouble(key).map { .number($0) } ?? .null }

    // MARK: Transformers

    private func transformerFields(_ a: String) throws -> [(key: String, value: JSON)] {
        let window = try integer("\(a).attention.sliding_window")
        let slides = a == "llama" && window.kind != "null"
        return [
            ("model_type", .string(slides ? "mistral" : a)),
            ("num_attention_heads", .integer(try metadata.int("\(a).attention.head_count"))),
            ("num_key_value_heads", try integer("\(a).attention.head_count_kv")),
            ("head_dim", try headWidth(a)),
            ("intermediate_size", .integer(try metadata.int("\(a).feed_forward_length"))),
            ("max_position_embeddings", try integer("\(a).context_length")),
            ("rms_norm_eps", .number(try metadata.double("\(a).attention.layer_norm_rms_epsilon"))),
            ("sliding_window", slides ? window : .null),
            ("attention_bias", .bool(a == "llama" ? try tensors.tensor("blk.0.attn_q.bias") != nil : false)),
            ("rope_theta", try number("\(a).rope.freq_base")),
            ("rope_scaling", try ropeScaling(a)),
            ("partial_rotary_factor", try rotatedShare(a)),
            // Llama's converter permutes the rows of queries and keys, so that neighbours turn together.
            ("rope_interleaved", .bool(a == "llama")),
        ]
    }

    private func headWidth(_ a: String) throws -> JSON {
        let key = "\(a).attention.key_length"
        let value = "\(a).attention.value_length"
        let width = try metadata.optionalInt(key)
        guard try metadata.optionalInt(value) == width else { throw metadata.expected("equal to \(key)", value) }
        return width.map { .integer($0) } ?? .null
    }

    /// The share of a head's columns that turn.
    private func rotatedShare(_ a: String) throws -> JSON {
        guard let rotated = try metadata.optionalInt("\(a).rope.dimension_count") else { return .null }
        let width = try metadata.optionalInt("\(a).attention.key_length")
        let heads = try metadata.int("\(a).attention.head_count")
        let headWidth = try width ?? metadata.int("\(a).embedding_length") / max(heads, 1)
        return .number(Double(rotated) / Double(max(headWidth, 1)))
    }

    private func ropeScaling(_ a: String) throws -> JSON {
        if let divisors = try tensors.tensor("rope_freqs.weight") {
            return .object([
                "rope_type": .string("divisors"), "divisors": .array(try divisors.floats().map { .number(Double($0)) }),
            ])
        }
        guard let type = try metadata.optionalString("\(a).rope.scaling.type"), type != "none" else { return .null }
        return GGUFConfiguration.object([
            ("rope_type", .string(type)),
            ("factor", try number("\(a).rope.scaling.factor")),
            ("original_max_position_embeddings", try integer("\(a).rope.scaling.original_context_length")),
            ("beta_fast", try number("\(a).rope.scaling.yarn_beta_fast")),
            ("beta_slow", try number("\(a).rope.scaling.yarn_beta_slow")),
        ])
    }

    // MARK: Mamba

    private func mambaFields(_ a: String) throws -> [(key: String, value: JSON)] {
        let inner = try metadata.int("\(a).ssm.inner_size")
        let width = try metadata.int("\(a).embedding_length")
        let rank = try metadata.int("\(a).ssm.time_step_rank")
        let epsilon = try metadata.double("\(a).attention.layer_norm_rms_epsilon")
        let falcon = try metadata.optionalBool("\(a).ssm.dt_b_c_rms") ?? false
        var fields: [(key: String, value: JSON)] = [
            ("model_type", .string(falcon ? "falcon_mamba" : a)),
            ("intermediate_size", .integer(inner)),
            ("expand", .number(Double(inner) / Double(max(width, 1)))),
            ("state_size", .integer(try metadata.int("\(a).ssm.state_size"))),
            ("conv_kernel", .integer(try metadata.int("\(a).ssm.conv_kernel"))),
            ("layer_norm_epsilon", .number(epsilon)),
            ("mixer_rms_eps", .number(epsilon)),
            ("use_bias", .bool(try tensors.tensor("blk.0.ssm_in.bias") != nil)),
            ("use_conv_bias", .bool(try tensors.tensor("blk.0.ssm_conv1d.bias") != nil)),
        ]
        if a == "mamba2" {
            guard rank > 0, inner % rank == 0 else {
                throw metadata.expected("a divisor of ssm.inner_size", "\(a).ssm.time_step_rank")
            }
            fields += [
                ("num_heads", .integer(rank)), ("head_dim", .integer(inner / rank)),
                ("n_groups", try integer("\(a).ssm.group_count")),
            ]
        } else {
            fields.append(("time_step_rank", .integer(rank)))
        }
        return fields
    }
}
