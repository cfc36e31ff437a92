import Foundation
import TestSupport
import Testing

// The copy must say what the source says when it is rounded while loading; numpy, the oracle of the layout, is asked in
// QuantizedCheckpointTests. Each way to break a copy must end in one sentence.

@Suite(.mayNotHang) struct QuantizeTests {
    private static let reference = ReferenceModel.named("llama-tied").folder.path

    @Test("the copy writes the tokens of its source", arguments: ["q8", "q4"])
    func sameTokens(_ format: String) async throws {
        let folder = try TemporaryFolder()
        let copy = "\(folder.path)/copy"
        let made = try await Command.run(["quantize", "-m", Self.reference, "--weights", format, "-o", copy])
        #expect(made.status == 0 && made.output == "")
        #expect(made.errors.contains("bytes each"))
        let rest = ["--tokens", "5,6,7", "-n", "24"]
        let plain = try await Command.run(["generate", "-m", Self.reference, "--quantize", format] + rest)
        let packed = try await Command.run(["generate", "-m", copy] + rest)
        #expect(packed.status == 0 && packed.output == plain.output && !plain.output.isEmpty)

        let taken = try await Command.run(["quantize", "-m", Self.reference, "-o", copy])
        #expect(taken.status == 1 && taken.complaint.contains("--force"))
        let forced = try await Command.run(["quantize", "-m", Self.reference, "-o", copy, "--force", "--group", "8"])
        #expect(forced.status == 0)
    }

    @Test("a copy is inspected as the model that it stands for")
    func inspected() async throws {
        let plain = try await Command.run(["inspect", Self.reference, "--json", "--tensors"]).object()
        let path = Fixtures.url("packed/llama-tied-q8").path
        let packed = try await Command.run(["inspect", path, "--json", "--tensors"]).object()
        #expect(plain["parameters"] as? Int == packed["parameters"] as? Int)
        #expect((plain["tensors"] as? [Any])?.count == (packed["tensors"] as? [Any])?.count)
        #expect((packed["types"] as? [String: Int])?.keys.sorted() == ["F32", "int8/32"])
    }

    @Test("a GGUF file, and weights that are no numbers, are refused")
    func refused() async throws {
        let folder = try TemporaryFolder()
        let gguf = Fixtures.url("gguf-references/llama-legacy.gguf").path
        let run = try await Command.run(["quantize", "-m", gguf, "-o", folder.path + "/copy"])
        #expect(run.status == 1 && run.complaint.contains("found a GGUF file"))

        let model = try BrokenModel("llama-tied")
        try model.rewriteTensors { header, data in
            let entry = header["model.layers.1.mlp.up_proj.weight"] as? [String: Any]
            let range = entry?["data_offsets"] as? [Int] ?? []
            data.replaceSubrange(range[0]..<range[0] + 4, with: [0, 0, 0xC0, 0x7F])
        }
        let broken = try await Command.run(["quantize", "-m", model.path, "-o", folder.path + "/copy"])
        #expect(broken.status == 1 && broken.complaint.contains("is no number"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }

    /// Something wrong with a packed checkpoint, and what the sentence about it must contain.
    struct Fault: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let complaint: String
        let apply: @Sendable (BrokenModel) throws -> Void

        init(_ name: String, _ complaint: String, _ apply: @escaping @Sendable (BrokenModel) throws -> Void) {
            (testDescription, self.complaint, self.apply) = (name, complaint, apply)
        }

        static func metadata(_ key: String, _ value: String?, _ complaint: String) -> Fault {
            Fault("metadata \(key): \(value ?? "missing")", complaint) {
                try $0.rewriteTensors { header, _ in
                    var metadata = header["__metadata__"] as? [String: String] ?? [:]
                    metadata[key] = value
                    header["__metadata__"] = metadata
                }
            }
        }

        static func configuration(_ json: String?, _ complaint: String) -> Fault {
            Fault("quantization_config: \(json ?? "missing")", complaint) {
                try $0.configure("quantization_config", json: json)
            }
        }
    }

    private static let up = "model.layers.0.mlp.up_proj.weight"

    static let faults: [Fault] = [
        .metadata("format", "pt", "must be packed in the format dynamax"),
        .metadata("version", "7", "version 1 of the packed format, not 7"),
        .metadata(up, nil, "\(up) is missing"),
        .metadata(up, "int8/32 1000000x1000000", "\(up)_packed has shape"),
        .metadata(up, "int8/32 39x32", "\(up) has shape [39, 32], expected [40, 32]"),
        .metadata(up, "nonsense", "must be a packed format and a shape"),
        .metadata("stranger", "int8/32 40x32", "stranger_packed is missing"),
        .configuration(nil, "quantization_config is missing"),
        .configuration("8", "an object"),
        .configuration("{}", "quantization_config.quant_method is missing"),
        .configuration("{\"quant_method\": \"gptq\", \"bits\": 4}", "quantized by gptq"),
        .configuration("{\"quant_method\": \"dynamax\"}", "quantization_config.version is missing"),
        .configuration(
            "{\"quant_method\": \"dynamax\", \"version\": 2, \"bits\": 8, \"group_size\": 32}", "version must be 1"),
        .configuration(
            "{\"quant_method\": \"dynamax\", \"version\": 1, \"bits\": 4, \"group_size\": 32}", "bits must be 8"),
        .configuration(
            "{\"quant_method\": \"dynamax\", \"version\": 1, \"bits\": 8, \"group_size\": 128}",
            "group_size must be 32"),
        Fault("the weights are cut short", "cut short") { try $0.cut("model.safetensors", -1) },
        Fault("the header is cut", "header") { try $0.cut("model.safetensors", 100) },
        Fault("scales are of another type", "must hold F32, not I32") {
            try $0.rewriteTensor(up + "_scale") { $0["dtype"] = "I32" }
        },
        Fault("weights have another shape", "\(up)_packed has shape") {
            try $0.rewriteTensor(up + "_packed") { $0["shape"] = [3, 512] }
        },
        Fault("scales are NaN", "NaN") {
            try $0.rewriteTensors { header, data in
                let entry = header["model.layers.2.mlp.down_proj.weight_scale"] as? [String: Any]
                let range = entry?["data_offsets"] as? [Int] ?? []
                data.replaceSubrange(range[0]..<range[1], with: repeatElement(0xFF, count: range[1] - range[0]))
            }
        },
    ]

    @Test("a packed checkpoint that is damaged or lies is refused in one sentence", arguments: faults)
    func damaged(_ fault: Fault) async throws {
        let model = try BrokenModel(at: Fixtures.url("packed/llama-tied-q8"))
        try fault.apply(model)
        let run = try await Command.run(["generate", "-m", model.path, "--tokens", "1,2,3", "-n", "3"])
        #expect(run.status == 1)
        #expect(run.output == "")
        #expect(run.errors.split(separator: "\n").count == 1)
        #expect(run.complaint.contains(fault.complaint), "\(run.complaint)")
    }
}
