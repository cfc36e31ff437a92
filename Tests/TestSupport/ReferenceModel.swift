public import DynamaxFormats
public import DynamaxModels
public import DynamaxTensor
public import Foundation
public import Testing

/// A small checkpoint with the answers of transformers in f32 (Tests/Fixtures/Scripts/make_references.py).
public struct ReferenceModel: CustomTestStringConvertible, Sendable {
    public let folder: URL
    public var testDescription: String { folder.lastPathComponent }

    public static let all: [ReferenceModel] = {
        let shared = Shared.has("reference") ? folders(Shared.url("reference")) : []
        return folders(Fixtures.url("references")) + shared
    }()

    public static func named(_ name: String) -> ReferenceModel {
        ReferenceModel(folder: Fixtures.url("references/\(name)"))
    }

    private static func folders(_ parent: URL) -> [ReferenceModel] {
        let entries = (try? FileManager.default.contentsOfDirectory(at: parent, includingPropertiesForKeys: nil)) ?? []
        return entries.sorted { $0.path < $1.path }
            .filter { FileManager.default.fileExists(atPath: $0.appendingPathComponent("config.json").path) }
            .map(ReferenceModel.init)
    }

    public func load(
        quantization: Quantization? = nil, cacheFormat: KVCacheFormat = .f32, on device: Device
    ) throws -> LanguageModel {
        try LanguageModel(
            CheckpointFiles(folder.path), quantization: quantization, cacheFormat: cacheFormat, on: device)
    }

    public func expected() throws -> SafetensorsFile {
        try SafetensorsFile(folder.appendingPathComponent("expected.safetensors").path)
    }

    public func tokens() throws -> [Token] {
        try expected().require("tokens").integers().map(Token.init)
    }
}

/// The largest difference, relative to the largest absolute value of `expected`.
public func relativeError(_ values: [Float], _ expected: [Float]) -> Float {
    guard values.count == expected.count else { return .infinity }
    let largest = expected.map(abs).max() ?? 0
    return zip(values, expected).reduce(0) { worst, pair in
        let difference = abs(pair.0 - pair.1)
        return difference <= worst ? worst : difference
    } / largest
}

/// Everything that a state holds up to its end, as numbers by name.
///
/// Where a checkpoint lies depends on how the sequence was cut; the state itself must not, so checkpoints and what came since
/// are left out.
public func contents(of state: SequenceState) throws -> [String: [Float]] {
    let file = try SafetensorsFile(state.serialize(), location: "state")
    var numbers: [String: [Float]] = [:]
    let history = ["checkpoint", "log", "moved"]
    for name in file.tensorNames where !history.contains(where: name.hasSuffix) {
        let tensor = try file.require(name)
        numbers[name] = try tensor.type.isInteger ? tensor.integers().map(Float.init) : tensor.floats()
    }
    return numbers
}

extension LanguageModel {
    /// Appends tokens to a state, through all layers, and returns their logits.
    @discardableResult
    public func append(_ tokens: [Token], to state: SequenceState) -> [Float] {
        let hidden = stack.run(0..<stack.layerCount, stack.embed(tokens), Batch(state, rows: tokens.count))
        return stack.head(hidden).array
    }

    /// The state of some tokens, made in one go by the full model.
    public func fresh(_ tokens: [Token], history: Int = 0) -> SequenceState {
        let state = stack.makeState(history: history)
        if !tokens.isEmpty { append(tokens, to: state) }
        return state
    }
}
