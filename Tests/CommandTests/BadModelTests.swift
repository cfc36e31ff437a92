import Foundation
import TestSupport
import Testing

// Each way to break a checkpoint must end in exit status 1, nothing on standard output, and one sentence that names the
// file and what is wrong in it. The sentences are this project's own; the oracle is a reader of them.

@Suite(.mayNotHang) struct BadModelTests {
    /// Something wrong with a checkpoint, and what the sentence about it must contain.
    struct Fault: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let complaint: [String]
        let apply: @Sendable (BrokenModel) throws -> Void

        init(_ name: String, _ complaint: [String], _ apply: @escaping @Sendable (BrokenModel) throws -> Void) {
            testDescription = name
            self.complaint = complaint
            self.apply = apply
        }

        static func field(_ name: String, _ json: String?, _ expectation: String) -> Fault {
            Fault("\(name): \(json ?? "missing")", ["config.json", name, expectation]) {
                try $0.configure(name, json: json)
            }
        }
    }

    private static let query = "model.layers.0.self_attn.q_proj.weight"

    static let fields: [Fault] = [
        .field("model_type", nil, "missing"),
        .field("model_type", "\"gemma3\"", "one of llama"),
        .field("model_type", "7", "a string"),
        .field("hidden_size", nil, "missing"),
        .field("hidden_size", "-32", "from 1"),
        .field("hidden_size", "\"32\"", "an integer"),
        .field("hidden_size", "NaN", "an integer"),
        .field("head_dim", "2048", "at most 1024"),
        .field("num_hidden_layers", "1000000000", "from 1"),
        .field("num_hidden_layers", "1e30", "an integer"),
        .field("num_hidden_layers", "100000", "at most 4096"),
        .field("num_attention_heads", "0", "from 1"),
        .field("num_key_value_heads", "3", "a divisor of num_attention_heads"),
        .field("head_dim", "7", "an even number"),
        .field("intermediate_size", "[40]", "an integer"),
        .field("rms_norm_eps", "1e300", "below one"),
        .field("rms_norm_eps", "NaN", "below one"),
        .field("rope_parameters", "2", "an object"),
        .field("rope_parameters", "{\"rope_type\": \"spiral\"}", "rope_type must be default"),
        .field("rope_parameters", "{\"rope_type\": \"yarn\", \"factor\": -1}", "factor must be a number above zero"),
        .field("max_position_embeddings", "-1", "from 1"),
        .field("hidden_act", "\"gelu\"", "silu"),
        .field("tie_word_embeddings", "\"yes\"", "true or false"),
    ]

    static let files: [Fault] = [
        Fault("no config.json", ["config.json", "no such file"]) { try $0.remove("config.json") },
        Fault("config.json is empty", ["config.json", "empty"]) { try $0.cut("config.json", 0) },
        Fault("config.json is cut", ["config.json", "line"]) { try $0.cut("config.json", 100) },
        Fault("config.json is not UTF-8", ["config.json", "UTF-8"]) {
            try $0.write("config.json", Array("{\"model_type\": \"".utf8) + [0xFF, 0xFE] + Array("\"}".utf8))
        },
        Fault("config.json nests deep", ["config.json", "nested"]) {
            try $0.write("config.json", repeatElement(UInt8(ascii: "["), count: 200_000))
        },
        Fault("config.json is a folder", ["config.json"]) { try $0.replaceByFolder("config.json") },
        Fault("config.json is a dangling link", ["config.json"]) { try $0.replaceByDanglingLink("config.json") },
        Fault("no weights", ["there are no weights"]) { try $0.remove("model.safetensors") },
        Fault("weights are a folder", ["model.safetensors", "found a folder"]) {
            try $0.replaceByFolder("model.safetensors")
        },
        Fault("weights are a dangling link", ["model.safetensors", "no such file"]) {
            try $0.replaceByDanglingLink("model.safetensors")
        },
        Fault("weights are empty", ["model.safetensors", "empty"]) { try $0.cut("model.safetensors", 0) },
        Fault("weights end in the length", ["model.safetensors", "8 bytes"]) { try $0.cut("model.safetensors", 7) },
        Fault("weights end in the header", ["model.safetensors", "header"]) { try $0.cut("model.safetensors", 100) },
        Fault("weights are cut short", ["model.safetensors", "cut short"]) { try $0.cut("model.safetensors", -1) },
    ]

    static let tensors: [Fault] = [
        Fault("the header is longer than the file", ["model.safetensors", "bytes long"]) {
            try $0.write("model.safetensors", repeatElement(0xFF, count: 64))
        },
        Fault("tensors overlap", ["model.safetensors", "overlaps"]) {
            try $0.rewriteTensors { header, _ in
                // Shifted towards the front by a row, onto whatever lies before it.
                var entry = header[query] as? [String: Any] ?? [:]
                entry["data_offsets"] = (entry["data_offsets"] as? [Int])?.map { $0 - 128 }
                header[query] = entry
            }
        },
        Fault("bytes belong to no tensor", ["model.safetensors", "belong to no tensor"]) {
            try $0.rewriteTensors { $1.append(0) }
        },
        Fault("a tensor is missing", ["model.safetensors", query, "missing"]) {
            try $0.rewriteTensors { header, _ in
                header["stranger"] = header[query]
                header[query] = nil
            }
        },
        Fault("a tensor has another shape", [query, "shape [16, 64], expected [32, 32]"]) {
            try $0.rewriteTensor(query) { $0["shape"] = [16, 64] }
        },
        Fault("a shape is negative", [query, "which no tensor can have"]) {
            try $0.rewriteTensor(query) { $0["shape"] = [-32, -32] }
        },
        Fault("a shape overflows", [query, "which no tensor can have"]) {
            try $0.rewriteTensor(query) { $0["shape"] = [1 << 62, 1 << 62] }
        },
        Fault("a shape lies about the size", [query, "takes"]) {
            try $0.rewriteTensor(query) { $0["shape"] = [1 << 20, 1 << 20] }
        },
        Fault("a weight holds integers", [query, "holds integers (I32)"]) {
            try $0.rewriteTensor(query) { $0["dtype"] = "I32" }
        },
        Fault("a norm holds integers", ["model.norm.weight", "holds integers (I32)"]) {
            try $0.rewriteTensor("model.norm.weight") { $0["dtype"] = "I32" }
        },
        Fault("a type is unknown", [query, "the type F5"]) {
            try $0.rewriteTensor(query) { $0["dtype"] = "F5" }
        },
        Fault("the vocabulary is another", ["model.embed_tokens.weight", "expected [77, 32]"]) {
            try $0.configure("vocab_size", json: "77")
        },
        Fault("weights are NaN", ["not numbers", "NaN"]) {
            try $0.rewriteTensors { header, data in
                let entry = header["model.norm.weight"] as? [String: Any]
                let range = entry?["data_offsets"] as? [Int] ?? []
                data.replaceSubrange(range[0]..<range[1], with: repeatElement(0xFF, count: range[1] - range[0]))
            }
        },
    ]

    @Test("it is refused in one sentence", arguments: fields + files + tensors)
    func refused(_ fault: Fault) async throws {
        let model = try BrokenModel()
        try fault.apply(model)
        let run = try await Command.run(["generate", "-m", model.path, "--tokens", "1,2,3", "-n", "3"])
        #expect(run.status == 1)
        #expect(run.output == "")
        #expect(run.errors.split(separator: "\n").count == 1)
        for part in fault.complaint { #expect(run.complaint.contains(part)) }
    }

    @Test(
        "GGUF files that are cut or lie are refused",
        arguments: [
            (0, "empty"), (3, "expected a folder"), (16, "more than the file can hold"), (2000, "cut short"),
            (-1, "cut short"),
        ])
    func gguf(_ length: Int, _ problem: String) async throws {
        let folder = try TemporaryFolder()
        let bytes = try Data(contentsOf: Fixtures.url("gguf-references/llama-legacy.gguf"))
        let path = try folder.write("model.gguf", length < 0 ? bytes.dropLast(-length) : bytes.prefix(length))
        let run = try await Command.run(["generate", "-m", path, "--tokens", "1,2,3", "-n", "3"])
        #expect(run.status == 1)
        #expect(run.output == "")
        #expect(run.complaint.contains("model.gguf") && run.complaint.contains(problem))
    }

    @Test(
        "what is no model is refused",
        arguments: [
            ("/nonexistent", "no such file or folder"), ("/dev/null", "found a device"),
            ("no/such-model", "Hugging Face cache"),
            ("", "no such file or folder"),
        ])
    func noModel(_ path: String, _ problem: String) async throws {
        for command in [["generate", "-m", path, "hi"], ["inspect", path]] {
            let run = try await Command.run(command)
            #expect(run.status == 1)
            #expect(run.output == "")
            #expect(run.complaint.contains(problem))
        }
    }

    @Test(
        "a tokenizer that is missing or unknown is refused",
        arguments: [
            (nil, "holds no tokenizer"), ("{", "tokenizer.json"),
            ("{\"model\": {\"type\": \"Clairvoyant\", \"vocab\": {}}}", "model.type"),
        ])
    func tokenizer(_ json: String?, _ problem: String) async throws {
        let model = try BrokenModel()
        if let json { try model.write("tokenizer.json", json.utf8) }
        let run = try await Command.run(["generate", "-m", model.path, "hi"])
        #expect(run.status == 1)
        #expect(run.output == "")
        #expect(run.complaint.contains(problem))
    }
}
