// Mistral 7B and kin (Jiang et al. 2023; modeling_mistral.py in transformers): Llama with a sliding window.

import DynamaxFormats

enum Mistral: TransformerFamily {
    static func configuration(_ json: JSONNode) throws(FormatError) -> TransformerConfiguration {
        var configuration = try TransformerConfiguration(json)
        let window = try TransformerConfiguration.window(json)
        configuration.windows = Array(repeating: window, count: configuration.layers)
        return configuration
    }
}
