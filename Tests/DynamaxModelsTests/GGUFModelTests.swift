import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracle: transformers in f32 on the weights as the file holds them (Tests/Fixtures/Scripts/make_gguf_references.py).

@Suite struct GGUFModelTests {
    private static func files(_ folder: URL) -> [URL] {
        let entries = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return entries.filter { $0.pathExtension == "gguf" }.sorted { $0.path < $1.path }
    }

    static let all = files(Fixtures.url("gguf-references")) + files(Shared.url("reference-gguf"))

    private func expected(_ file: URL) throws -> SafetensorsFile {
        try SafetensorsFile(file.deletingPathExtension().appendingPathExtension("expected.safetensors").path)
    }

    private func logits(_ file: URL, _ quantization: Quantization?) throws -> (values: [Float], expected: [Float]) {
        let model = try LanguageModel(CheckpointFiles(file.path), quantization: quantization, on: Device(threads: 2))
        let reference = try expected(file)
        let tokens = try reference.require("tokens").integers().map(Token.init)
        return (
            model.append(tokens, to: model.stack.makeState(history: 0)), try reference.require("logits").floats()
        )
    }

    @Test("weights expanded to f32 give transformers' logits", arguments: all)
    func exact(_ file: URL) throws {
        let (values, expected) = try logits(file, .f32)
        #expect(relativeError(values, expected) < 1e-4)
    }

    @Test("weights as stored give nearly the same logits", arguments: all)
    func asStored(_ file: URL) throws {
        let (values, expected) = try logits(file, nil)
        let dot = zip(values, expected).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let norms = [values, expected].map { $0.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() }
        #expect(dot / (norms[0] * norms[1]) > 0.998)
    }
}
