import DynamaxFormats
import DynamaxTensor
import DynamaxText
import DynamaxTraining
import Foundation
import TestSupport
import Testing

// Oracles: the documents themselves, counted and cut by hand; sha256sum for digests.

extension Tokenizer {
    /// The byte-level vocabulary of 600 pieces among the fixtures.
    static func small() throws -> Tokenizer {
        try Tokenizer(at: Fixtures.url("tokenizer-training/llama3.json").path)
    }
}

@Suite struct CorpusTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private let stories =
        "  One cat sat.\n<|endoftext|>\n\n<|endoftext|>The second story is longer, much longer.\n<|endoftext|>\n"

    private func corpus(_ text: String, separator: String? = "<|endoftext|>") throws -> TokenCorpus {
        let file = try folder.write("stories.txt", text)
        return try TokenCorpusBuilder(.small()).corpus(
            of: Documents(path: file, separator: separator), in: folder.path + "/corpora")
    }

    @Test func digestsAreThoseOfSha256sum() throws {
        #expect(SHA256.digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(SHA256.digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            SHA256.digest(String(repeating: "a", count: 1_000_000))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
        for length in 50...70 {
            let bytes = [UInt8](repeating: 7, count: length)
            var parts = SHA256()
            bytes[..<20].withUnsafeBytes { parts.update($0) }
            bytes[20...].withUnsafeBytes { parts.update($0) }
            #expect(parts.digest() == bytes.withUnsafeBytes { SHA256.digest($0) })
        }
    }

    @Test func documentsAreFramedAndFound() throws {
        let tokenizer = try Tokenizer.small()
        let corpus = try corpus(stories)
        #expect(corpus.documentCount == 2)
        let bos = try #require(tokenizer.bosToken)
        for (document, text) in ["One cat sat.", "The second story is longer, much longer."].enumerated() {
            let expected = [bos] + tokenizer.encode(text, addSpecialTokens: false) + [tokenizer.eosTokens[0]]
            let length = corpus.length(ofDocument: document)
            #expect(corpus.tokens(0..<length, ofDocument: document) == expected)
        }
        #expect(corpus.textBytes == 12 + 40)
    }

    @Test func aCorpusIsBuiltOnce() throws {
        let first = try corpus(stories)
        var lines: [String] = []
        let again = try TokenCorpusBuilder(.small()).corpus(
            of: Documents(path: folder.path + "/stories.txt", separator: "<|endoftext|>"),
            in: folder.path + "/corpora"
        ) { lines.append($0) }
        #expect(again.location == first.location && lines.isEmpty)
        #expect(try corpus(stories + "One more.").location != first.location)
    }

    @Test func aDamagedShardIsRefused() throws {
        let corpus = try corpus(stories)
        let shard = corpus.location.replacing(".json", with: "-0.safetensors")
        var bytes = try Data(contentsOf: URL(fileURLWithPath: shard))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(fileURLWithPath: shard))
        #expect(throws: FormatError.self) { try TokenCorpus(manifest: corpus.location) }
    }

    @Test func badTextIsRefusedByName() throws {
        let file = folder.path + "/latin1.txt"
        try Data([0x63, 0x61, 0x66, 0xE9]).write(to: URL(fileURLWithPath: file))
        let error = #expect(throws: FormatError.self) {
            try TokenCorpusBuilder(.small()).corpus(of: Documents(path: file), in: folder.path)
        }
        #expect(error?.description.hasPrefix(file) == true && error?.description.contains("UTF-8") == true)
        #expect(throws: FormatError.self) { try corpus(" \n ") }
        #expect(throws: FormatError.self) { try Documents(path: folder.path + "/none").files() }
    }

    // MARK: Batches

    private func loader(seed: UInt64 = 5, rows: Int = 48, at position: BatchLoader.Position = .init()) throws
        -> BatchLoader
    {
        let text = (1...40).map { String(repeating: "word\($0) and ", count: $0) }.joined(separator: "|")
        let corpus = try corpus(text, separator: "|")
        return BatchLoader([WeightedCorpus(corpus)], rows: rows, context: 16, seed: seed, at: position)
    }

    @Test func batchesAreFullAndPredictTheNextToken() throws {
        var loader = try loader()
        for _ in 0..<loader.batchesInEpoch + 3 {
            let batch = loader.next()
            #expect(batch.inputs.count == 48 && batch.targets.count == 48)
            #expect(batch.pieces.reduce(0, +) == 48 && batch.pieces.allSatisfy { (1...16).contains($0) })
            var row = 0
            for piece in batch.pieces {
                // Within a piece, each target is the next input.
                #expect(batch.targets[row..<row + piece - 1].elementsEqual(batch.inputs[(row + 1)..<(row + piece)]))
                row += piece
            }
        }
    }

    @Test func aPassHoldsEachTargetOnce() throws {
        let rows = try loader().rowsInEpoch
        var loader = try loader(rows: rows)
        let batch = loader.next()
        let corpus = try corpus(
            (1...40).map { String(repeating: "word\($0) and ", count: $0) }.joined(separator: "|"), separator: "|")
        let expected = (0..<40).flatMap { corpus.tokens(1..<corpus.length(ofDocument: $0), ofDocument: $0) }
        #expect(batch.targets.sorted() == expected.sorted())
    }

    @Test func theLoaderGoesOnFromAnyPosition() throws {
        var first = try loader()
        var batches: [TokenBatch] = []
        var positions: [BatchLoader.Position] = []
        for _ in 0..<2 * first.batchesInEpoch + 2 {
            positions.append(first.position)
            batches.append(first.next())
        }
        for index in [0, 1, batches.count / 2, batches.count - 1] {
            var resumed = try loader(at: positions[index])
            #expect(resumed.next() == batches[index])
        }
        var other = try loader(seed: 6)
        #expect(other.next() != batches[0])
        // The second pass comes in another order than the first.
        #expect(batches[first.batchesInEpoch] != batches[0])
    }

    @Test func weightsMultiplyAPass() throws {
        let corpus = try corpus((1...200).map { "story number \($0)" }.joined(separator: "|"), separator: "|")
        func rows(_ weight: Double) -> Int {
            BatchLoader([WeightedCorpus(corpus, weight: weight)], rows: 8, context: 64, seed: 1).rowsInEpoch
        }
        #expect(rows(3) == 3 * rows(1))
        #expect(abs(Double(rows(1.5)) / Double(rows(1)) - 1.5) < 0.15)
    }
}
