// Llama 2 and 3 (Touvron et al. 2023; Dubey et al. 2024; modeling_llama.py in transformers), and its many relatives
// with the same configuration.

import DynamaxFormats

enum Llama: TransformerFamily {
    static func configuration(_ json: JSONNode) throws(FormatError) -> TransformerConfiguration {
        var configuration = try TransformerConfiguration(json)
        let attentionBias = try json.optionalBool("attention_bias") ?? false
        configuration.queryKeyValueBias = attentionBias
        configuration.outputBias = attentionBias
        configuration.mlpBias = try json.optionalBool("mlp_bias") ?? false
        return configuration
    }
}
