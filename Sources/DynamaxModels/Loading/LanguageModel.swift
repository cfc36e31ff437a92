public import DynamaxFormats
import DynamaxLayers
public import DynamaxTensor

/// A language model, loaded: its layers and what its configuration says about using them.
public struct LanguageModel: Sendable {
    /// The layers.
    public let stack: any LayerStack
    /// The family, as `model_type` names it.
    public let family: String
    /// Positions that the model was made for; nil where there is no limit.
    public let context: Int?
    /// How most weights are held.
    public let format: WeightFormat
    /// How attention layers hold keys and values; says nothing where there are none.
    public let cacheFormat: KVCacheFormat
    /// Bytes of the weights that are held, embedding not counted: it stays in the file.
    public let weightBytes: Int

    /// Loads a model from its files.
    ///
    /// - Parameters:
    ///   - files: config.json and tensors, or a GGUF file.
    ///   - quantization: how weights are to be held; nil for how they are stored.
    ///   - cacheFormat: how attention layers hold keys and values.
    ///   - device: where the layers run.
    /// - Throws: `FormatError` that names the file, field or tensor that does not fit.
    public init(
        _ files: CheckpointFiles, quantization: Quantization? = nil, cacheFormat: KVCacheFormat = .f32,
        on device: Device
    ) throws {
        if let gguf = files.gguf {
            let tensors = try files.tensors()
            try self.init(
                GGUFConfiguration(gguf.metadata, tensors).json(),
                GGUFParameters(tensors: tensors), .inference(quantization), device, cacheFormat)
        } else {
            let (config, parameters) = try LanguageModel.read(files)
            try self.init(config, parameters, .inference(quantization), device, cacheFormat)
        }
    }

    /// Loads a model in Hugging Face layout and collects its packed weights.
    init(
        packing files: CheckpointFiles, _ quantization: Quantization, into collection: PackedParameters,
        on device: Device
    ) throws {
        let (config, parameters) = try LanguageModel.read(files)
        try self.init(config, parameters, .packing(quantization, collection), device)
    }

    /// Makes a model with random weights, for benchmarks.
    ///
    /// - Parameters:
    ///   - configuration: config.json
    ///   - seed: where the random numbers start.
    ///   - settling: how much each layer adds to the rows, beside the one before it; 1 or less.
    ///   - quantization: how weights are held; nil for bf16.
    ///   - cacheFormat: how attention layers hold keys and values.
    ///   - device: where the layers run.
    public init(
        randomFor configuration: JSONNode, seed: UInt64 = 0, settling: Float = 1, quantization: Quantization? = nil,
        cacheFormat: KVCacheFormat = .f32, on device: Device
    ) throws {
        let source = RandomParameters(seed: seed, settling: settling)
        try self.init(configuration, source, .inference(quantization), device, cacheFormat)
    }

    /// Makes a model to train from the beginning.
    ///
    /// - Parameters:
    ///   - configuration: config.json
    ///   - seed: where the random numbers start.
    ///   - parameters: receives all that can learn.
    ///   - device: where the layers run.
    public init(
        learning configuration: JSONNode, seed: UInt64, parameters: TrainableParameters, on device: Device
    ) throws {
        let source = InitialParameters(seed: seed, layers: try configuration.layerCount())
        try self.init(configuration, source, .learning(parameters), device)
    }

    /// Loads a model in Hugging Face layout, to train it on.
    ///
    /// - Parameters:
    ///   - files: config.json and tensors; no GGUF file.
    ///   - parameters: receives all that can learn.
    ///   - device: where the layers run.
    public init(learning files: CheckpointFiles, parameters: TrainableParameters, on device: Device) throws {
        let (config, stored) = try LanguageModel.read(files)
        try self.init(config, stored, .learning(parameters), device)
    }

    /// The configuration and the parameters of a model in Hugging Face layout.
    private static func read(
        _ files: CheckpointFiles
    ) throws(FormatError) -> (configuration: JSONNode, parameters: CheckpointParameters) {
        let configuration = try files.requireConfig()
        let parameters = try CheckpointParameters(files.tensors())
        try parameters.requireAgreement(with: configuration)
        return (configuration, parameters)
    }

    private init(
        _ configuration: JSONNode, _ source: any ParameterSource, _ purpose: Parameters.Purpose, _ device: Device,
        _ cacheFormat: KVCacheFormat = .f32
    ) throws {
        let stack = try DynamaxModels.family(of: configuration).load(
            configuration, Parameters(source: source, device: device, purpose: purpose, cacheFormat: cacheFormat))
        self.stack = stack
        family = try configuration.string("model_type")
        context = try configuration.optionalSize("max_position_embeddings")
        format = stack.output.format
        self.cacheFormat = cacheFormat
        weightBytes = (0..<stack.layerCount).reduce(stack.headCost.bytes) {
            $0 + stack.layers[$1].weightCost.bytes
        }
    }

    /// What, besides its files, the model's numbers depend on: how weights, and keys and values, are held.
    public var formats: String {
        "\(format)\(cacheNote)"
    }

    /// How keys and values are held, for the end of a list; empty for f32.
    public var cacheNote: String { cacheFormat == .f32 ? "" : ", KV cache \(cacheFormat.rawValue)" }
}
