// Oracles: PyPI tokenizers 0.23.3 for tokenizer.json and GPT-2's files, sentencepiece 0.2.3 for .model,
// llama-cpp-python 0.3.36 for .gguf. Their answers were made by Tests/Fixtures/Scripts/make_tokenizers.py.
import DynamaxFormats
import DynamaxText
import Foundation
import TestSupport
import Testing

@Suite struct AgreementTests {
    /// A tokenizer and the hashes of what its reference makes of 1 MB of mixed text.
    struct Case: CustomTestStringConvertible {
        let name: String
        let answers: JSONNode

        var path: String {
            name.hasPrefix("shared/")
                ? Shared.url(String(name.dropFirst(7))).path : Fixtures.url("tokenizers/\(name)").path
        }
        var testDescription: String { name }
    }

    static let cases: [Case] = {
        guard let file = try? JSONNode(contentsOf: Fixtures.url("tokenizers/answers.json").path),
            let names = try? file.object().keys
        else { return [] }
        return names.compactMap { name in
            let answers = file[name].map { Case(name: name, answers: $0) }
            return name.hasPrefix("shared/") && !Shared.has(String(name.dropFirst(7))) ? nil : answers
        }
    }()

    static let lines = (try? MixedText().lines(2600, seed: 1)) ?? []

    @Test func textIsTheScripts() {
        #expect(AgreementTests.lines.count == 2600)
        #expect(AgreementTests.cases.count >= 25)
    }

    @Test(arguments: cases)
    func encodesAndDecodesAsItsReference(_ example: Case) throws {
        let tokenizer = try Tokenizer(at: example.path)
        let encoded = AgreementTests.lines.map { tokenizer.encode($0) }
        try compare(encoded.map(pack), "encoded", example)
        let plain = AgreementTests.lines.map {
            tokenizer.encode($0, addSpecialTokens: false, parseSpecialTokens: false)
        }
        try compare(plain.map(pack), "plain", example)
        let present = (0..<Int32(tokenizer.vocabularySize)).filter { (try? tokenizer.piece($0)) != nil }
        let isSentencePiece = example.name.hasSuffix(".model")
        let lists = Seeded.tokenLists(present) + (isSentencePiece ? plain : encoded).prefix(200)
        try compare(
            lists.map { Array(try tokenizer.decode($0, skipSpecialTokens: false).utf8) }, "decoded", example)
        try compare(lists.map { Array(try tokenizer.decode($0).utf8) }, "skipped", example)
    }

    private func compare(_ items: [[UInt8]], _ key: String, _ example: Case) throws {
        guard let expected = try example.answers.optionalString(key)?.split(separator: " ").map(String.init) else {
            return
        }
        let found = chunkHashes(items, 40)
        #expect(found.count == expected.count)
        let wrong = zip(found, expected).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
        #expect(wrong.isEmpty, "\(example.name), \(key): chunks of 40 lines that differ")
    }

    @Test(arguments: cases)
    func streamsWhatItDecodes(_ example: Case) throws {
        let tokenizer = try Tokenizer(at: example.path)
        let present = (0..<Int32(tokenizer.vocabularySize)).filter { (try? tokenizer.piece($0)) != nil }
        let texts = AgreementTests.lines.prefix(100).map { tokenizer.encode($0) }
        for skip in [true, false] {
            for tokens in Seeded.tokenLists(present) + texts {
                var detokenizer = StreamingDetokenizer(tokenizer, skipSpecialTokens: skip)
                var text: [UInt8] = []
                for token in tokens { text += detokenizer.append(token).utf8 }
                text += detokenizer.finish().utf8
                #expect(try text == Array(tokenizer.decode(tokens, skipSpecialTokens: skip).utf8))
            }
        }
    }

    /// Byte-level vocabularies hold all text: what is encoded comes back, character by whole character.
    @Test(arguments: ["llama3.json", "falcon.json", "cased.json", "starcoder.json", "deepseek.json", "llama-bpe.gguf"])
    func roundTrips(_ name: String) throws {
        let tokenizer = try Tokenizer(at: Fixtures.url("tokenizers/\(name)").path)
        for line in AgreementTests.lines.prefix(500) {
            let tokens = tokenizer.encode(line, addSpecialTokens: false, parseSpecialTokens: false)
            #expect(try Array(tokenizer.decode(tokens).utf8) == Array(line.utf8))
            var detokenizer = StreamingDetokenizer(tokenizer)
            for token in tokens {
                let part = detokenizer.append(token)
                #expect(!part.unicodeScalars.contains("\u{FFFD}") || line.unicodeScalars.contains("\u{FFFD}"))
            }
        }
    }
}
