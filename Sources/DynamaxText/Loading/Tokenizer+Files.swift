public import DynamaxFormats

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Tokenizer {
    /// Reads a tokenizer.
    ///
    /// - Parameter path: a folder in Hugging Face layout, or a file: tokenizer.json, a SentencePiece model (`.model`), a GGUF
    ///   file, or GPT-2's vocab.json with merges.txt beside it.
    /// - Throws: `FormatError` that names the file and the part that is missing, wrong or not supported.
    public convenience init(at path: String) throws(FormatError) {
        var isFolder: Bool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw FormatError(.missing, path, "there is no such file or folder")
        }
        if isFolder { try self.init(folder: path) } else { try self.init(file: path) }
    }

    /// Reads the tokenizer that belongs to a model.
    public convenience init(_ files: CheckpointFiles) throws(FormatError) {
        guard let gguf = files.gguf else {
            try self.init(at: files.folder)
            return
        }
        var parts = try GGUFVocabulary(gguf.metadata).parts()
        parts.guessSpecialTokens()
        self.init(parts)
    }

    private convenience init(folder: String) throws(FormatError) {
        let beside = try SpecialTokens(folder: folder)
        let names = ["tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json"]
        guard let name = names.first(where: { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }) else {
            throw FormatError(
                .missing, folder, "the folder holds no tokenizer, expected \(names.joined(separator: ", "))")
        }
        var parts = try Tokenizer.parts(file: "\(folder)/\(name)", beside)
        try beside.complete(&parts)
        parts.guessSpecialTokens()
        self.init(parts)
    }

    private convenience init(file: String) throws(FormatError) {
        var parts = try Tokenizer.parts(file: file, nil)
        parts.guessSpecialTokens()
        self.init(parts)
    }

    private static func parts(file: String, _ beside: SpecialTokens?) throws(FormatError) -> Parts {
        if file.hasSuffix(".gguf") { return try GGUFVocabulary(GGUFFile(file).metadata).parts() }
        if file.hasSuffix(".model") {
            let map = try MappedFile(file)
            let model = try SentencePieceModel(Array(map.bytes), location: file)
            return try model.parts(
                addsBOS: beside?.flag("add_bos_token"), addsEOS: beside?.flag("add_eos_token") ?? false)
        }
        let json = try JSONNode(contentsOf: file)
        // The word "model" is also a piece of GPT-2's vocabulary.
        if let merges = GPT2Files.merges(beside: file), json["model"]?["vocab"] == nil {
            return try GPT2Files(
                vocabulary: json, merges: MappedFile(merges), addsSpace: beside?.flag("add_prefix_space") ?? false
            ).parts()
        }
        return try TokenizerJSON(json).parts
    }

    /// Reads the contents of tokenizer.json.
    public convenience init(json: JSONNode) throws(FormatError) {
        var parts = try TokenizerJSON(json).parts
        parts.guessSpecialTokens()
        self.init(parts)
    }
}
