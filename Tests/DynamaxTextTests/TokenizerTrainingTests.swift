import DynamaxFormats
import DynamaxTensor
import DynamaxText
import Foundation
import TestSupport
import Testing

// Oracle: the tokenizers library, which learns from the same text and loads what was learned here; its answers are in
// Fixtures/tokenizer-training/expected.json (Scripts/make_tokenizer_training.py).

@Suite struct TokenizerTrainingTests {
    private static let kinds: [String: TokenizerTrainer.Kind] = [
        "gpt2": .byteLevel(.gpt2), "llama3": .byteLevel(.llama3), "qwen2": .byteLevel(.qwen2),
        "sentencepiece": .sentencePiece(coverage: 1, splitsDigits: true),
    ]

    private func learn(_ name: String) throws -> TrainedVocabulary {
        let kind = try #require(TokenizerTrainingTests.kinds[name])
        var trainer = TokenizerTrainer(.init(kind: kind, vocabularySize: 600))
        let text = try String(contentsOf: Fixtures.url("tokenizer-training/corpus.txt"), encoding: .utf8)
        for document in text.components(separatedBy: "<|endoftext|>") {
            trainer.add(document.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return trainer.train()
    }

    private func expected() throws -> JSONNode {
        try JSONNode(contentsOf: Fixtures.url("tokenizer-training/expected.json").path)
    }

    @Test("merges are those of the tokenizers library", arguments: kinds.keys.sorted())
    func merges(_ name: String) throws {
        let learned = JSONNode(try learn(name).json, location: name)
        let ours = try learned.node("model").array("merges").map { try $0.string() }
        #expect(ours == (try expected().node(name).array("merges").map { try $0.string() }))
    }

    @Test("the file is the one that the tokenizers library has loaded", arguments: kinds.keys.sorted())
    func file(_ name: String) throws {
        let committed = try JSONNode(contentsOf: Fixtures.url("tokenizer-training/\(name).json").path)
        #expect(try learn(name).json.description == committed.value.description)
    }

    @Test("both libraries encode and decode alike", arguments: kinds.keys.sorted())
    func encoding(_ name: String) throws {
        let tokenizer = try Tokenizer(json: JSONNode(try learn(name).json, location: name))
        #expect(tokenizer.vocabularySize == 600)
        let expected = try expected()
        let ids = try expected.node(name).array("ids")
        let decoded = try expected.node(name).array("decoded")
        for (index, text) in try expected.array("texts").enumerated() {
            let tokens = tokenizer.encode(try text.string())
            #expect(tokens == (try ids[index].array().map { Token(try $0.int()) }))
            #expect(try tokenizer.decode(tokens) == decoded[index].string())
        }
    }

    @Test func aTextThatIsTooShortGivesFewerPieces() throws {
        var trainer = TokenizerTrainer(.init(kind: .byteLevel(.gpt2), vocabularySize: 5000))
        #expect(trainer.train().pieceCount == 258)
        trainer.add("banana banana bandana")
        let learned = trainer.train()
        #expect(learned.mergeCount > 0 && learned.pieceCount == 258 + learned.mergeCount)
    }

    @Test func charactersBeyondTheCoverageAreSpelledInBytes() throws {
        var trainer = TokenizerTrainer(
            .init(kind: .sentencePiece(coverage: 0.99, splitsDigits: false), vocabularySize: 400))
        trainer.add(String(repeating: "plain words and plain words ", count: 50) + "ж")
        let tokenizer = try Tokenizer(json: JSONNode(trainer.train().json, location: "learned"))
        let tokens = tokenizer.encode("ж plain", addSpecialTokens: false)
        #expect(try tokens.map(tokenizer.piece).contains("<0xD0>"))
        #expect(try tokenizer.decode(tokens) == "ж plain")
    }

    @Test func senselessSettingsHaveAProblem() {
        typealias Settings = TokenizerTrainer.Settings
        #expect(Settings(kind: .byteLevel(.gpt2), vocabularySize: 259).problem == nil)
        #expect(Settings(kind: .byteLevel(.gpt2), vocabularySize: 258).problem?.contains("259") == true)
        var settings = Settings(kind: .sentencePiece(coverage: 0, splitsDigits: true), vocabularySize: 1000)
        #expect(settings.problem?.contains("coverage") == true)
        settings = Settings(kind: .byteLevel(.gpt2), vocabularySize: 1000)
        settings.eos = "<end>"
        #expect(settings.problem?.contains("<end>") == true)
        settings.specialTokens += ["<end>", "<end>"]
        #expect(settings.problem?.contains("differ") == true)
    }
}
