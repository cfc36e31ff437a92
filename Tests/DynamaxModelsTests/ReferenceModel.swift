import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

/// A small checkpoint with the answers of transformers in f32 (Tests/Fixtures/Scripts/make_references.py).
struct ReferenceModel: CustomTestStringConvertible {
    let folder: URL
    var testDescription: String { folder.lastPathComponent }

    static let all: [ReferenceModel] = {
        let shared = Shared.has("reference") ? folders(Shared.url("reference")) : []
        return folders(Fixtures.url("references")) + shared
    }()

    static func named(_ name: String) -> ReferenceModel {
        ReferenceModel(folder: Fixtures.url("references/\(name)"))
    }

    private static func folders(_ parent: URL) -> [ReferenceModel] {
        let entries = (try? FileManager.default.contentsOfDirectory(at: parent, includingPropertiesForKeys: nil)) ?? []
        return entries.sorted { $0.path < $1.path }
            .filter { FileManager.default.fileExists(atPath: $0.appendingPathComponent("config.json").path) }
            .map(ReferenceModel.init)
    }

    func load(quantization: Quantization? = nil, on device: Device) throws -> LanguageModel {
        let index = folder.appendingPathComponent("model.safetensors.index.json").path
        let single = folder.appendingPathComponent("model.safetensors").path
        let tensors: any TensorSource =
            FileManager.default.fileExists(atPath: index) ? try ShardedSafetensors(index: index) : try SafetensorsFile(single)
        return try LanguageModel(
            configuration: JSONNode(contentsOf: folder.appendingPathComponent("config.json").path), tensors: tensors,
            quantization: quantization, on: device)
    }

    func expected() throws -> SafetensorsFile {
        try SafetensorsFile(folder.appendingPathComponent("expected.safetensors").path)
    }

    func tokens() throws -> [Token] {
        try expected().require("tokens").integers().map(Token.init)
    }
}

/// The largest difference, relative to the largest absolute value of `expected`.
func relativeError(_ values: [Float], _ expected: [Float]) -> Float {
    guard values.count == expected.count else { return .infinity }
    let largest = expected.map(abs).max() ?? 0
    return zip(values, expected).reduce(0) { worst, pair in
        let difference = abs(pair.0 - pair.1)
        return difference <= worst ? worst : difference
    } / largest
}
