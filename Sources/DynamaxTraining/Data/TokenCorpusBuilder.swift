public import DynamaxFormats
import DynamaxTensor
public import DynamaxText
import Foundation

/// Turns documents into a corpus of tokens on disk, once: a corpus that was built from the same text by the same tokenizer
/// is opened as it is.
public struct TokenCorpusBuilder {
    /// The tokenizer.
    public let tokenizer: Tokenizer
    /// Digest of the tokenizer's file and of the tokens that it begins and ends texts with.
    public let tokenizerDigest: String

    private let bos: Token?
    private let eos: Token
    private let isNarrow: Bool

    /// Tokens of a shard, beyond which the next begins.
    private static let shardTokens = 1 << 26

    /// - Throws: `FormatError` where the tokenizer's file cannot be read, or has no token that ends a text.
    public init(_ tokenizer: Tokenizer) throws(FormatError) {
        guard let eos = tokenizer.eosTokens.first else {
            throw FormatError(
                .mismatch, tokenizer.location, "the tokenizer has no token that ends a text, expected one")
        }
        self.tokenizer = tokenizer
        self.eos = eos
        bos = tokenizer.bosToken
        isNarrow = tokenizer.vocabularySize <= 1 << 16
        let file = try SHA256.digest(ofFile: tokenizer.location)
        tokenizerDigest = SHA256.digest("\(file) \(bos ?? -1) \(eos)")
    }

    /// The corpus of some documents, from a folder of corpora or built there.
    ///
    /// - Parameters:
    ///   - folder: made where it is missing.
    ///   - progress: called with a line to show before a corpus is built.
    public func corpus(
        of documents: Documents, in folder: String, progress: (String) -> Void = { _ in }
    ) throws -> TokenCorpus {
        let files = try documents.files()
        var text = SHA256()
        for file in files {
            let digest = try SHA256.digest(ofFile: file)
            Array(digest.utf8).withUnsafeBytes { text.update($0) }
        }
        let textDigest = text.digest()
        let key = SHA256.digest(
            "\(TokenCorpus.format) \(tokenizerDigest) \(textDigest) \(documents.separator ?? "\0")")
        let stem = (((documents.path as NSString).lastPathComponent) as NSString).deletingPathExtension
        let name = "\(stem)-\(key.prefix(16))"
        let manifest = "\(folder)/\(name).json"
        if FileManager.default.fileExists(atPath: manifest) { return try TokenCorpus(manifest: manifest) }
        progress("encoding \(documents.path)")
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw FormatError(.inaccessible, folder, "the folder cannot be made")
        }
        var writer = ShardWriter(folder: folder, name: name, isNarrow: isNarrow)
        try documents.forEach { text in
            var tokens = bos.map { [$0] } ?? []
            tokens += tokenizer.encode(text, addSpecialTokens: false, parseSpecialTokens: false)
            tokens.append(eos)
            writer.append(tokens, textBytes: text.utf8.count)
            if writer.pendingTokens >= TokenCorpusBuilder.shardTokens { try writer.flush() }
        }
        try writer.flush()
        guard writer.documents > 0 else {
            throw FormatError(.malformed, documents.path, "there are no documents, expected at least one")
        }
        try writer.finish(
            manifest, tokenizer: tokenizerDigest, text: textDigest, path: documents.path,
            separator: documents.separator)
        return try TokenCorpus(manifest: manifest)
    }
}

/// Writes the shards of a corpus, and its manifest when all are on disk.
private struct ShardWriter {
    let folder: String
    let name: String
    /// Whether tokens fit into 16 bits.
    let isNarrow: Bool

    private var tokens: [UInt8] = []
    private var starts: [Int64] = [0]
    private var shards: [JSON] = []
    private(set) var documents = 0
    private var total = 0
    private var textBytes = 0

    init(folder: String, name: String, isNarrow: Bool) {
        self.folder = folder
        self.name = name
        self.isNarrow = isNarrow
    }

    var pendingTokens: Int { Int(starts[starts.count - 1]) }

    mutating func append(_ document: [Token], textBytes: Int) {
        for token in document {
            if isNarrow {
                withUnsafeBytes(of: UInt16(truncatingIfNeeded: token).littleEndian) { tokens.append(contentsOf: $0) }
            } else {
                withUnsafeBytes(of: token.littleEndian) { tokens.append(contentsOf: $0) }
            }
        }
        starts.append(starts[starts.count - 1] + Int64(document.count))
        documents += 1
        total += document.count
        self.textBytes += textBytes
    }

    mutating func flush() throws(FormatError) {
        guard starts.count > 1 else { return }
        let file = "\(name)-\(shards.count).safetensors"
        var writer = SafetensorsWriter()
        writer.add("tokens", type: isNarrow ? .u16 : .u32, bytes: tokens, shape: [pendingTokens])
        writer.add(
            "documents", type: .i64, bytes: starts.withUnsafeBytes { Array($0) }, shape: [starts.count])
        try writer.write(to: "\(folder)/\(file)")
        shards.append([
            "file": .string(file), "tokens": .integer(pendingTokens), "documents": .integer(starts.count - 1),
            "sha256": .string(try SHA256.digest(ofFile: "\(folder)/\(file)")),
        ])
        tokens = []
        starts = [0]
    }

    func finish(
        _ path: String, tokenizer: String, text: String, path source: String, separator: String?
    ) throws(FormatError) {
        let manifest: JSON = [
            "format": .integer(TokenCorpus.format), "source": .string((source as NSString).lastPathComponent),
            "separator": separator.map { .string($0) } ?? .null, "tokenizer": .string(tokenizer),
            "text": .string(text), "text_bytes": .integer(textBytes), "tokens": .integer(total),
            "documents": .integer(documents), "shards": .array(shards),
        ]
        try FileOutput.replace(path, with: Array("\(manifest)\n".utf8))
    }
}
