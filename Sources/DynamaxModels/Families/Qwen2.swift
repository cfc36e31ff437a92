// Qwen 2 and 2.5 (Yang et al. 2024; modeling_qwen2.py in transformers): Llama with biases on queries, keys and values.

import DynamaxFormats

enum Qwen2: TransformerFamily {
    static func configuration(_ json: JSONNode) throws(FormatError) -> TransformerConfiguration {
        var configuration = try TransformerConfiguration(json)
        configuration.queryKeyValueBias = true
        try configuration.setQwenWindows(json)
        return configuration
    }
}
