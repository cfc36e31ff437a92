// Qwen 3 (Yang et al. 2025; modeling_qwen3.py in transformers): Llama with norms over each head of queries and keys.

import DynamaxFormats

enum Qwen3: TransformerFamily {
    static func configuration(_ json: JSONNode) throws(FormatError) -> TransformerConfiguration {
        var configuration = try TransformerConfiguration(json)
        let attentionBias = try json.optionalBool("attention_bias") ?? false
        configuration.queryKeyValueBias = attentionBias
        configuration.outputBias = attentionBias
        configuration.headNorms = true
        try configuration.setQwenWindows(json)
        return configuration
    }
}
