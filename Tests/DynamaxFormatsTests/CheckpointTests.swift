// Oracle: the layout of the Hugging Face hub client's cache and of the checkpoints in it.
import DynamaxFormats
import TestSupport
import Testing

@Suite struct CheckpointTests {
    private let folder: TemporaryFolder
    private let tensors: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        var writer = SafetensorsWriter()
        writer.add("a", [1], shape: [1])
        tensors = writer.bytes()
    }

    private func error(_ body: () throws -> Void) -> FormatError? {
        #expect(throws: FormatError.self, performing: body)
    }

    @Test func `finds the files of a folder`() throws {
        try folder.write("m/config.json", #"{"model_type": "llama"}"#)
        try folder.write("m/generation_config.json", #"{"eos_token_id": 2}"#)
        for name in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"] {
            try folder.write("m/\(name)", "{}")
        }
        for name in ["tokenizer.model.v1", "tokenizer.model.v3"] { try folder.write("m/\(name)", "x") }
        try folder.write("m/model.safetensors", tensors)
        let path = "\(folder.path)/m"
        for name in [path, path + "/", path + "/model.safetensors"] {
            let files = try CheckpointFiles(name)
            #expect(files.name == name)
            #expect(try files.requireConfig().string("model_type") == "llama")
            #expect(try files.generationConfig?.int("eos_token_id") == 2)
            #expect(files.tokenizerJSON?.hasSuffix("m/tokenizer.json") == true)
            #expect(files.tokenizerConfig?.hasSuffix("m/tokenizer_config.json") == true)
            #expect(files.specialTokensMap?.hasSuffix("m/special_tokens_map.json") == true)
            #expect(files.chatTemplate?.hasSuffix("m/chat_template.jinja") == true)
            #expect(files.sentencePieceModel?.hasSuffix("m/tokenizer.model.v3") == true)
            #expect(files.file("vocab.json") == nil && files.gguf == nil)
            #expect(try files.tensors().require("a").floats() == [1])
        }
        try folder.write("m/tokenizer.model", "x")
        #expect(try CheckpointFiles(path).sentencePieceModel == "\(path)/tokenizer.model")
    }

    @Test func `prefers shards, then the usual names, then the only file`() throws {
        let path = "\(folder.path)/m"
        func weights() throws -> String {
            switch try CheckpointFiles(path).weights {
            case .safetensors(let path): String(path.split(separator: "/").last!)
            case .shards(let index): String(index.split(separator: "/").last!)
            case .consolidated: "consolidated"
            case .gguf(let file): String(file.location.split(separator: "/").last!)
            case nil: "none"
            }
        }
        try folder.write("m/tokenizer.json", "{}")
        #expect(try weights() == "none")
        let none = error { _ = try CheckpointFiles(path).tensors() }
        #expect(
            none?.description
                == "\(path): there are no weights, looked for model.safetensors.index.json, model.safetensors, "
                + "consolidated.safetensors and a single .gguf or .safetensors file")
        try folder.write("m/pytorch_model.bin", "x")
        let pickled = error { _ = try CheckpointFiles(path).tensors() }
        #expect(pickled?.problem.hasSuffix("; pytorch_model.bin has to be converted to safetensors") == true)
        try folder.write("m/x.gguf", GGUFBytes(tensors: 0, keys: 0).bytes)
        #expect(try weights() == "x.gguf")
        try folder.write("m/y.gguf", GGUFBytes(tensors: 0, keys: 0).bytes)
        let several = error { _ = try CheckpointFiles(path) }
        #expect(several?.problem == "the folder holds 2 .gguf files, such as x.gguf; name one of them")
        try folder.write("m/adapter.safetensors", tensors)
        #expect(try weights() == "adapter.safetensors")
        try folder.write("m/consolidated.safetensors", tensors)
        #expect(try weights() == "consolidated")
        #expect(try CheckpointFiles(path).tensors().require("a").floats() == [1])
        try folder.write("m/model.safetensors", tensors)
        #expect(try weights() == "model.safetensors")
        try folder.write("m/model.safetensors.index.json", #"{"weight_map": {"a": "model.safetensors"}}"#)
        #expect(try weights() == "model.safetensors.index.json")
        #expect(try CheckpointFiles(path).tensors().require("a").floats() == [1])
        let config = error { _ = try CheckpointFiles(path).requireConfig() }
        #expect(config?.description == "\(path)/config.json: there is no such file")
    }

    @Test func `knows a GGUF file by its contents`() throws {
        let blob = try folder.write("blob", GGUFBytes(tensors: 0, keys: 0).bytes)
        try folder.write("tokenizer.json", "{}")
        let files = try CheckpointFiles(blob)
        #expect(files.gguf?.location == blob && files.config == nil && files.tokenizerJSON == nil)
        let text = try folder.write("notes.txt", "hello")
        #expect(
            error { _ = try CheckpointFiles(text) }?.problem == "expected a folder, a .gguf file or a .safetensors file"
        )
        for name in ["none.gguf", "none/none.safetensors", "a/b/c", "/none", "", "@", "x@../y", "a//b"] {
            let missing = error { _ = try CheckpointFiles(name, cache: HubCache(folder: folder.path)) }
            #expect(missing == FormatError(.missing, name, "there is no such file or folder"))
        }
    }

    @Test func `finds models in the hub cache`() throws {
        let cache = HubCache(folder: folder.path)
        let model = "\(folder.path)/models--org--name"
        func problem(_ name: String) -> String? { error { _ = try CheckpointFiles(name, cache: cache) }?.problem }
        let intro = "there is no such file or folder, and "
        #expect(problem("org/name") == intro + "the model is not in the Hugging Face cache, looked for \(model)")
        try folder.write("models--org--name/blobs/x", tensors)
        #expect(
            problem("org/name") == intro
                + "the revision main is not in the Hugging Face cache, looked for \(model)/refs/main and \(model)/snapshots/main"
        )
        try folder.write("models--org--name/refs/main", "abc123\n")
        try folder.write("models--org--name/refs/refs/pr/1", "def456")
        try folder.write("models--org--name/refs/bad", "../../x")
        #expect(
            problem("org/name") == intro
                + "the files of revision main are not in the Hugging Face cache, looked for \(model)/snapshots/abc123")
        let bad = error { _ = try CheckpointFiles("org/name@bad", cache: cache) }
        #expect(bad == FormatError(.malformed, "\(model)/refs/bad", "expected the hash of a commit"))
        try folder.write("models--org--name/snapshots/abc123/model.safetensors", tensors)
        try folder.write("models--org--name/snapshots/def456/tokenizer.json", "{}")
        for name in ["org/name", "org/name@main", "org/name@abc123"] {
            let files = try CheckpointFiles(name, cache: cache)
            #expect(files.folder == "\(model)/snapshots/abc123" && files.name == name)
            #expect(try files.tensors().require("a").floats() == [1])
        }
        #expect(try CheckpointFiles("org/name@refs/pr/1", cache: cache).folder == "\(model)/snapshots/def456")
        try folder.write("models--gpt2/snapshots/main/tokenizer.json", "{}")
        #expect(try CheckpointFiles("gpt2", cache: cache).tokenizerJSON != nil)
    }

    @Test func `takes the cache's place from the environment`() {
        func folder(_ environment: [String: String]) -> String { HubCache(environment: environment).folder }
        #expect(folder(["HOME": "/h"]) == "/h/.cache/huggingface/hub")
        #expect(folder(["HOME": "/h", "XDG_CACHE_HOME": "/x"]) == "/x/huggingface/hub")
        #expect(folder(["HOME": "/h", "XDG_CACHE_HOME": "/x", "HF_HOME": "~/hf"]) == "/h/hf/hub")
        #expect(folder(["HOME": "/h", "HF_HOME": "/hf/", "HF_HUB_CACHE": "/c"]) == "/c")
        #expect(folder(["HOME": "/h", "HF_HOME": "/hf/", "HF_HUB_CACHE": ""]) == "/hf/hub")
    }
}
