import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracle: numpy and the safetensors package, through Tests/Fixtures/Scripts/make_packed.py, which follows the description
// of the layout; and rounding while loading, which products of other tests hold to its own oracles.

@Suite struct QuantizedCheckpointTests {
    private static let references =
        ["llama-tied", "llama-bias", "llama-sharded", "llama-bf16", "qwen3", "mamba", "falcon-mamba", "mamba2-groups"]
        .map(ReferenceModel.named)

    /// The group keeps 4 bits to rows that are as short as these models'.
    private static let roundings = [Quantization.q8, Quantization(.q4, group: 32)]

    private let device: Device
    private let folder: TemporaryFolder

    init() throws {
        device = try Device(threads: 2)
        folder = try TemporaryFolder()
    }

    private func quantize(_ source: String, _ quantization: Quantization, _ name: String = "copy") throws -> String {
        let path = "\(folder.path)/\(name)"
        _ = try QuantizedCheckpoint(CheckpointFiles(source), quantization, to: path, on: device)
        return path
    }

    private func logits(_ path: String, _ tokens: [Token], _ quantization: Quantization? = nil) throws -> [Float] {
        let model = try LanguageModel(CheckpointFiles(path), quantization: quantization, on: device)
        return model.append(tokens, to: model.stack.makeState(history: 0))
    }

    @Test("a packed copy gives the bits of rounding while loading", arguments: references, roundings)
    func equalBits(_ reference: ReferenceModel, _ quantization: Quantization) throws {
        let tokens = try reference.tokens()
        let source = reference.folder.path
        let copy = try quantize(source, quantization)
        let expected = try logits(source, tokens, quantization)
        #expect(try logits(copy, tokens) == expected)
        // What is rounded already is not rounded again.
        #expect(try logits(copy, tokens, quantization) == expected)
        let again = try quantize(copy, quantization, "again")
        let files = try [copy, again].map { try Data(contentsOf: URL(fileURLWithPath: $0 + "/model.safetensors")) }
        #expect(files[0] == files[1])
    }

    @Test("a group of one's own choice", arguments: [8, 64, 256])
    func groups(_ group: Int) throws {
        let reference = ReferenceModel.named("llama-tied")
        let quantization = Quantization(.q8, group: group)
        let tokens = try reference.tokens()
        let copy = try quantize(reference.folder.path, quantization)
        #expect(try logits(copy, tokens) == logits(reference.folder.path, tokens, quantization))
    }

    @Test(
        "the copy holds what numpy packs, and runs what numpy has packed",
        arguments: ["llama-tied", "mamba2-groups"], roundings)
    func numpy(_ name: String, _ quantization: Quantization) throws {
        let reference = ReferenceModel.named(name)
        let path = Fixtures.url("packed/\(name)-\(quantization.format.rawValue)").path
        let expected = try SafetensorsFile(path + "/model.safetensors")
        let copy = try SafetensorsFile(quantize(reference.folder.path, quantization) + "/model.safetensors")
        #expect(copy.metadata == expected.metadata)
        #expect(Set(copy.tensorNames) == Set(expected.tensorNames))
        for name in expected.tensorNames {
            let (written, packed) = (try copy.require(name), try expected.require(name))
            #expect(written.type == packed.type && written.shape == packed.shape, "\(name)")
            let isEqual = written.bytes.elementsEqual(packed.bytes)  // apart: bytes would fill the screen
            #expect(isEqual, "\(name)")
        }
        let tokens = try reference.tokens()
        #expect(try logits(path, tokens) == logits(reference.folder.path, tokens, quantization))
    }

    @Test("rows of a packed table are those of the matrix that is multiplied by")
    func rows() throws {
        let reference = ReferenceModel.named("llama-tied")
        let packed = try #require(
            try SafetensorsFile(quantize(reference.folder.path, .q8) + "/model.safetensors").packedTensors())
        let table = try #require(packed.tensor("model.embed_tokens.weight"))
        let source = try SafetensorsFile(reference.folder.path + "/model.safetensors")
            .require("model.embed_tokens.weight")
        let matrix = try PackedMatrix(
            outputs: table.rows, inputs: table.columns, format: table.layout.format, on: device
        ) { try source.copyRows($0, to: $1) }
        let all = matrix.unpacked()
        for range in [0..<96, 5..<6, 15..<33, 95..<96, 7..<7] {
            var numbers = [Float](repeating: 7, count: range.count * table.columns + 1)
            table.copyRows(range, to: &numbers)
            #expect(Array(numbers.dropLast()) == Array(all[range.lowerBound * 32..<range.upperBound * 32]))
            #expect(numbers.last == 7)
        }
    }

    @Test("weights lie aligned and in the order of the model, so that a mapped file can be used as it is")
    func order() throws {
        let reference = ReferenceModel.named("llama-sharded")
        let file = try SafetensorsFile(quantize(reference.folder.path, .q8) + "/model.safetensors")
        let packed = try #require(try file.packedTensors())
        func place(_ tensor: RawTensor) -> Int { Int(bitPattern: tensor.bytes.baseAddress) }
        for name in packed.names {
            let matrix = try #require(packed.tensor(name))
            #expect(place(matrix.weights) % 64 == 0 && place(matrix.scales) % 64 == 0, "\(name)")
        }
        let stack = try ["q", "k", "v"].map {
            try #require(packed.tensor("model.layers.1.self_attn.\($0)_proj.weight"))
        }
        for (one, next) in zip(stack, stack.dropFirst()) {
            #expect(place(one.weights) + one.layout.weightBytes == place(next.weights))
            #expect(place(one.scales) + one.layout.scaleBytes == place(next.scales))
        }
    }

    // Linux shows in a mapping what is written into the file; a copy would not change.
    #if os(Linux)
        @Test("weights of a copy are used where they are mapped", arguments: roundings)
        func mapped(_ quantization: Quantization) throws {
            let reference = ReferenceModel.named("llama-sharded")
            let path = try quantize(reference.folder.path, quantization)
            let tokens = try reference.tokens()
            let model = try LanguageModel(CheckpointFiles(path), on: device)
            let before = model.append(tokens, to: model.stack.makeState(history: 0))

            let packed = try #require(try SafetensorsFile(path + "/model.safetensors").packedTensors())
            let whole = try Data(contentsOf: URL(fileURLWithPath: path + "/model.safetensors"))
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: path + "/model.safetensors"))
            for name in packed.names {
                let scales = try #require(packed.tensor(name)).scales
                let start = try #require(whole.firstRange(of: Data(scales.bytes))).lowerBound
                try file.seek(toOffset: UInt64(start))
                try file.write(contentsOf: Data(count: scales.bytes.count))
                let after = model.append(tokens, to: model.stack.makeState(history: 0))
                // These two are multiplied by as one, and 40 outputs do not fill blocks of 16: they had to be copied.
                let isCopied = name.contains("gate_proj") || name.contains("up_proj")
                #expect((after == before) == isCopied, "\(name)")
                try file.seek(toOffset: UInt64(start))
                try file.write(contentsOf: whole[start..<start + scales.bytes.count])
            }
            #expect(model.append(tokens, to: model.stack.makeState(history: 0)) == before)
        }
    #endif

    @Test("files beside the weights are copied")
    func companions() throws {
        let reference = ReferenceModel.named("llama-tied").folder.path
        for name in ["config.json", "model.safetensors", "generation_config.json"] {
            try folder.write("source/\(name)", Data(contentsOf: URL(fileURLWithPath: "\(reference)/\(name)")))
        }
        for name in ["tokenizer.json", "README.md", "LICENSE.txt", "notes.txt"] {
            try folder.write("source/\(name)", name)
        }
        let copy = try quantize("\(folder.path)/source", .q8)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: copy).sorted() == [
                "LICENSE.txt", "README.md", "config.json", "generation_config.json", "model.safetensors",
                "tokenizer.json",
            ])
        #expect(try String(contentsOfFile: copy + "/README.md", encoding: .utf8) == "README.md")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["copy", "source"])

        let card = try String(contentsOfFile: quantize(reference, .q8, "other") + "/README.md", encoding: .utf8)
        #expect(card.hasPrefix("# llama-tied\n") && card.contains("| layers | 3 |\n| width | 32 |"))
    }

    @Test("a folder that is not empty is replaced only by force, and only if it holds a model")
    func force() throws {
        let reference = ReferenceModel.named("llama-tied").folder.path
        let files = try CheckpointFiles(reference)
        let copy = try quantize(reference, .q8)
        let before = try Data(contentsOf: URL(fileURLWithPath: copy + "/model.safetensors"))
        let finer = Quantization(.q8, group: 8)
        #expect(throws: FormatError.self) { try QuantizedCheckpoint(files, finer, to: copy, on: device) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: copy + "/model.safetensors")) == before)
        _ = try QuantizedCheckpoint(files, finer, to: copy + "/", force: true, on: device)
        #expect(try Data(contentsOf: URL(fileURLWithPath: copy + "/model.safetensors")) != before)

        let strange = try folder.write("strange/photo.jpeg", "precious")
        let file = try folder.write("file", "precious")
        for path in [folder.path + "/strange", folder.path, file] {
            #expect(throws: FormatError.self) { try QuantizedCheckpoint(files, .q8, to: path, force: true, on: device) }
        }
        #expect(try String(contentsOfFile: strange, encoding: .utf8) == "precious")
        #expect(throws: FormatError.self) {
            try QuantizedCheckpoint(files, .q8, to: folder.path + "/missing/copy", on: device)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names == ["copy", "file", "strange"])
    }

    @Test("a model can be replaced by its own copy")
    func inPlace() throws {
        let reference = ReferenceModel.named("mamba2-groups").folder.path
        for name in ["config.json", "model.safetensors"] {
            try folder.write("copy/\(name)", Data(contentsOf: URL(fileURLWithPath: "\(reference)/\(name)")))
        }
        let path = "\(folder.path)/copy"
        _ = try QuantizedCheckpoint(CheckpointFiles(path), .q8, to: path, force: true, on: device)
        #expect(try logits(path, [1, 2, 3]) == logits(reference, [1, 2, 3], .q8))
    }

    @Test("a packed model can be trained on")
    func learning() throws {
        let copy = try quantize(ReferenceModel.named("llama-tied").folder.path, .q8)
        let parameters = TrainableParameters()
        let model = try LanguageModel(learning: CheckpointFiles(copy), parameters: parameters, on: device)
        let whole = model.append([1, 2, 3], to: model.stack.makeState(history: 0))
        #expect(try relativeError(logits(copy, [1, 2, 3], .f32), whole) < 1e-5)
    }
}
