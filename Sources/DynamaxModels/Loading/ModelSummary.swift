public import DynamaxFormats

/// What a configuration says about a model, read without loading it, whether or not its family is supported.
public struct ModelSummary: Sendable {
    /// The family, as `model_type` names it.
    public let family: String
    /// Whether Dynamax can run the family.
    public let isSupported: Bool
    /// The number of layers, where the configuration says it.
    public let layers: Int?
    /// Numbers of a hidden row.
    public let width: Int?
    /// The number of tokens.
    public let vocabulary: Int?
    /// Positions that the model was made for.
    public let context: Int?

    /// Reads config.json, or the metadata of a GGUF file.
    public init(_ files: CheckpointFiles) throws {
        let json: JSONNode
        if let gguf = files.gguf {
            json = try GGUFConfiguration(gguf.metadata, files.tensors()).json()
        } else {
            json = try files.requireConfig()
        }
        family = try json.string("model_type")
        isSupported = (try? DynamaxModels.family(of: json)) != nil
        layers = try json.optionalInt("num_hidden_layers")
        width = try json.optionalInt("hidden_size")
        vocabulary = try json.optionalInt("vocab_size")
        context = try json.optionalInt("max_position_embeddings")
    }
}
