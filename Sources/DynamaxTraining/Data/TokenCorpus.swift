public import DynamaxFormats
public import DynamaxTensor
import Foundation

/// The tokens of a collection of documents, mapped from the shards that `TokenCorpusBuilder` has written.
///
/// A corpus is a manifest in JSON and safetensors files beside it, its shards: `tokens` [n] (u16 or u32), `documents`
/// [count + 1] (i64, where each document begins, and the end). Each document is what the tokenizer makes of its text, between the
/// token that begins a text, where there is one, and the token that ends it.
public final class TokenCorpus: Sendable {
    /// The manifest's path.
    public let location: String
    /// All tokens.
    public let tokenCount: Int
    /// Bytes of the documents' text.
    public let textBytes: Int
    /// Digest of the tokenizer that made the tokens.
    public let tokenizerDigest: String

    private let shards: [Shard]
    /// Documents in the shards before each one, and in all.
    private let firstDocuments: [Int]

    /// Opens a corpus and checks its shards against the manifest's digests.
    ///
    /// - Throws: `FormatError` where a file is missing, damaged or not what the manifest says.
    public init(manifest path: String) throws(FormatError) {
        let manifest = try JSONNode(contentsOf: path)
        guard try manifest.int("format") == TokenCorpus.format else {
            throw try manifest.node("format").expected("\(TokenCorpus.format)")
        }
        location = path
        tokenizerDigest = try manifest.string("tokenizer")
        textBytes = try manifest.int("text_bytes")
        let folder = (path as NSString).deletingLastPathComponent
        var shards: [Shard] = []
        for node in try manifest.array("shards") {
            let name = try node.string("file")
            guard !name.isEmpty, !name.contains("/") else { throw try node.node("file").expected("a file's name") }
            shards.append(
                try Shard("\(folder.isEmpty ? "." : folder)/\(name)", digest: try node.string("sha256")))
        }
        self.shards = shards
        firstDocuments = shards.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.documentCount) }
        tokenCount = shards.reduce(0) { $0 + $1.tokenCount }
        guard try manifest.int("tokens") == tokenCount, try manifest.int("documents") == firstDocuments.last else {
            throw FormatError(
                .mismatch, path, "the shards do not hold as many tokens and documents as the manifest says")
        }
    }

    static let format = 1

    /// All documents.
    public var documentCount: Int { firstDocuments[firstDocuments.count - 1] }

    /// The number of tokens of a document.
    public func length(ofDocument document: Int) -> Int {
        let (shard, local) = place(of: document)
        return shard.documents[local + 1] - shard.documents[local]
    }

    /// Some tokens of a document.
    public func tokens(_ range: Range<Int>, ofDocument document: Int) -> [Token] {
        let (shard, local) = place(of: document)
        let start = shard.documents[local]
        precondition(range.lowerBound >= 0 && start + range.upperBound <= shard.documents[local + 1])
        return shard.tokens(start + range.lowerBound..<start + range.upperBound)
    }

    /// The largest token that occurs.
    public func largestToken() -> Token {
        shards.reduce(-1) { largest, shard in max(largest, shard.tokens(0..<shard.tokenCount).max() ?? -1) }
    }

    private func place(of document: Int) -> (Shard, Int) {
        precondition((0..<documentCount).contains(document))
        // The last shard that begins at or before the document.
        var (low, high) = (0, shards.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if firstDocuments[middle] <= document { low = middle } else { high = middle - 1 }
        }
        return (shards[low], document - firstDocuments[low])
    }

    /// One file of the corpus.
    private struct Shard: Sendable {
        private let stored: RawTensor
        let documents: [Int]

        init(_ path: String, digest: String) throws(FormatError) {
            let found = try SHA256.digest(ofFile: path)
            guard found == digest else {
                throw FormatError(
                    .mismatch, path, "the file has changed since the corpus was built: delete it to build it anew")
            }
            let file = try SafetensorsFile(path)
            guard let stored = file.tensor("tokens"), stored.shape.count == 1,
                stored.type == .u16 || stored.type == .u32,
                let documents = try file.tensor("documents")?.integers()
            else { throw FormatError(.malformed, path, "expected the tensors tokens (u16 or u32) and documents (i64)") }
            guard documents.first == 0, documents.last == stored.count,
                zip(documents, documents.dropFirst()).allSatisfy({ $0 < $1 })
            else {
                throw FormatError(.malformed, path, "the tensor documents must rise from 0 to the number of tokens")
            }
            self.stored = stored
            self.documents = documents
        }

        var tokenCount: Int { stored.count }
        var documentCount: Int { documents.count - 1 }

        func tokens(_ range: Range<Int>) -> [Token] {
            withExtendedLifetime(stored) {
                let bytes = stored.bytes
                if stored.type == .u16 {
                    return range.map { Token(bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)) }
                }
                return range.map {
                    Token(truncatingIfNeeded: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self))
                }
            }
        }
    }
}
