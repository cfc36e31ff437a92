/// The files of a model, wherever the user keeps them.
///
/// A model is named by a folder in Hugging Face layout, by a .gguf or .safetensors file, or by its name in the Hugging Face
/// cache. Only small files are read here; tensors are opened by `tensors()`.
public struct CheckpointFiles: Sendable {
    /// The model as the user named it.
    public let name: String
    /// The folder of its files.
    public let folder: String
    /// Where its weights lie; nil for a folder without any, which may still hold a tokenizer.
    public let weights: Weights?
    /// config.json.
    public let config: JSONNode?
    /// generation_config.json.
    public let generationConfig: JSONNode?

    /// Where weights lie.
    public enum Weights: Sendable {
        /// One safetensors file, with names and layouts of Hugging Face.
        case safetensors(String)
        /// An index of several safetensors files.
        case shards(index: String)
        /// consolidated.safetensors: Mistral's own names and layouts, described by params.json.
        case consolidated(String)
        case gguf(GGUFFile)
    }

    /// Finds the files of a model.
    ///
    /// - Parameters:
    ///   - name: a path, or a name of the form `org/name` or `org/name@revision`. A path that exists comes first.
    ///   - cache: where names are looked for.
    /// - Throws: `FormatError` that says what was looked for.
    public init(_ name: String, cache: HubCache = .standard) throws(FormatError) {
        if Files.isFolder(name) {
            try self.init(name: name, folder: name, weights: CheckpointFiles.weights(in: name))
        } else if Files.isFile(name) {
            try self.init(name: name, folder: Files.folder(of: name), weights: CheckpointFiles.weights(of: name))
        } else if Files.kind(name) != nil {
            throw FormatError(.mismatch, name, "expected a folder or a file, found a device")
        } else if HubCache.isName(name), !name.hasSuffix(".gguf"), !name.hasSuffix(".safetensors") {
            let folder: String
            do throws(FormatError) {
                folder = try cache.snapshot(name)
            } catch  where error.kind == .missing {
                throw FormatError(.missing, name, "there is no such file or folder, and \(error.problem)")
            }
            try self.init(name: name, folder: folder, weights: CheckpointFiles.weights(in: folder))
        } else {
            throw FormatError(.missing, name, "there is no such file or folder")
        }
    }

    /// Takes the folder of a model that has a name of its own.
    public init(folder: String, named name: String) throws(FormatError) {
        guard Files.isFolder(folder) else { throw FormatError(.missing, folder, "there is no such folder") }
        try self.init(name: name, folder: folder, weights: CheckpointFiles.weights(in: folder))
    }

    private init(name: String, folder: String, weights: Weights?) throws(FormatError) {
        self.name = name
        self.folder = folder
        self.weights = weights
        if case .gguf? = weights {
            // Everything is in the file; what lies beside it may belong to another model.
            (config, generationConfig) = (nil, nil)
        } else {
            config = try CheckpointFiles.json("config.json", in: folder)
            generationConfig = try CheckpointFiles.json("generation_config.json", in: folder)
        }
    }

    /// The GGUF file, where the model is one.
    public var gguf: GGUFFile? {
        if case .gguf(let file)? = weights { file } else { nil }
    }

    /// The path of a file of the model, such as tokenizer.json, or nil where it has none of that name.
    public func file(_ name: String) -> String? {
        if gguf != nil { return nil }
        let path = Files.join(folder, name)
        return Files.isFile(path) ? path : nil
    }

    /// tokenizer.json.
    public var tokenizerJSON: String? { file("tokenizer.json") }

    /// The SentencePiece model: tokenizer.model, or the newest of Mistral's tokenizer.model.v1, .v2 and so on.
    public var sentencePieceModel: String? {
        file("tokenizer.model") ?? Files.names(in: folder).last { $0.hasPrefix("tokenizer.model.v") }.flatMap(file)
    }

    /// tokenizer_config.json.
    public var tokenizerConfig: String? { file("tokenizer_config.json") }

    /// special_tokens_map.json.
    public var specialTokensMap: String? { file("special_tokens_map.json") }

    /// chat_template.jinja.
    public var chatTemplate: String? { file("chat_template.jinja") }

    /// Paths of the files that a copy of the model needs beside weights and config.json: those of the tokenizer, settings
    /// for generating, the model card, a licence.
    public var companions: [String] {
        guard gguf == nil else { return [] }
        let known: Set = [
            "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
            "merges.txt", "generation_config.json", "chat_template.jinja", "README.md",
        ]
        return Files.names(in: folder)
            .filter { known.contains($0) || $0.hasPrefix("tokenizer.model") || $0.hasPrefix("LICENSE") }
            .map { Files.join(folder, $0) }.filter(Files.isFile)
    }

    /// config.json, where it must be.
    public func requireConfig() throws(FormatError) -> JSONNode {
        guard let config else {
            throw FormatError(.missing, Files.join(folder, "config.json"), "there is no such file")
        }
        return config
    }

    /// Opens the tensors.
    public func tensors() throws(FormatError) -> any TensorSource {
        switch weights {
        case .safetensors(let path), .consolidated(let path): return try SafetensorsFile(path)
        case .shards(let index): return try ShardedSafetensors(index: index)
        case .gguf(let file): return try GGUFParts.count(file) > 1 ? GGUFParts(first: file) : file
        case nil:
            let other = Files.names(in: folder).first {
                $0.hasSuffix(".bin") || $0.hasSuffix(".pt") || $0.hasSuffix(".pth")
            }
            throw FormatError(
                .missing, folder,
                "there are no weights, looked for \(CheckpointFiles.indexName), \(CheckpointFiles.singleName), "
                    + "consolidated.safetensors and a single .gguf or .safetensors file"
                    + (other.map { "; \($0) has to be converted to safetensors" } ?? ""))
        }
    }

    // MARK: Finding

    private static let singleName = "model.safetensors"
    private static let indexName = "model.safetensors.index.json"
    private static let consolidatedName = "consolidated.safetensors"

    private static func weights(in folder: String) throws(FormatError) -> Weights? {
        let names = Files.names(in: folder)
        if names.contains(indexName) { return .shards(index: Files.join(folder, indexName)) }
        for name in [singleName, consolidatedName] where names.contains(name) {
            return try weights(of: Files.join(folder, name))
        }
        // A name of its own is fine as long as there is no choice.
        for ending in [".safetensors", ".gguf"] {
            let candidates = names.filter { $0.hasSuffix(ending) && !$0.hasPrefix(".") }
            if let first = candidates.first, candidates.count == 1 || isFirstPart(first, of: candidates.count) {
                return try weights(of: Files.join(folder, first))
            }
            guard candidates.isEmpty else {
                throw FormatError(
                    .mismatch, folder,
                    "the folder holds \(candidates.count) \(ending) files, such as \(candidates[0]); name one of them")
            }
        }
        return nil
    }

    private static func weights(of path: String) throws(FormatError) -> Weights {
        if path.hasSuffix("/" + consolidatedName) || path == consolidatedName { return .consolidated(path) }
        if path.hasSuffix(".safetensors") { return .safetensors(path) }
        if path.hasSuffix(".safetensors.index.json") { return .shards(index: path) }
        let map = try MappedFile(path)
        guard map.bytes.starts(with: "GGUF".utf8) else {
            throw FormatError(.mismatch, path, "expected a folder, a .gguf file or a .safetensors file")
        }
        let file = try GGUFFile(map)
        let number = try GGUFParts.number(file)
        guard number == 0 else {
            let first = GGUFParts.name(of: 0, count: try GGUFParts.count(file), like: path)
            throw FormatError(
                .mismatch, path,
                "the file is part \(number + 1) of a model, expected the first" + (first.map { ", \($0)" } ?? ""))
        }
        return .gguf(file)
    }

    /// Whether a GGUF file is the first part of a model that was split into `count` files.
    private static func isFirstPart(_ name: String, of count: Int) -> Bool {
        GGUFParts.name(of: 0, count: count, like: name) == name
    }

    private static func json(_ name: String, in folder: String) throws(FormatError) -> JSONNode? {
        let path = Files.join(folder, name)
        return Files.isFile(path) ? try JSONNode(contentsOf: path) : nil
    }
}
