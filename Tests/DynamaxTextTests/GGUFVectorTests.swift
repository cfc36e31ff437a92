// Oracle: llama.cpp, whose vocabulary tests come with these texts and their tokens.
import DynamaxFormats
import DynamaxText
import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Shared.has("tokenizers/ggml-vocab")))
struct GGUFVectorTests {
    @Test(arguments: ["deepseek-coder", "gpt-2", "llama-spm", "phi-3", "starcoder"])
    func agreesWithLlamaCpp(_ name: String) throws {
        let file = "tokenizers/ggml-vocab/ggml-vocab-\(name).gguf"
        let tokenizer = try Tokenizer(at: Shared.url(file).path)
        let texts = try String(contentsOf: Shared.url("\(file).inp"), encoding: .utf8)
            .replacing("\r\n", with: "\n").components(separatedBy: "\n__ggml_vocab_test__\n")
        let lines = try String(contentsOf: Shared.url("\(file).out"), encoding: .utf8)
            .replacing("\r\n", with: "\n").components(separatedBy: "\n")
        #expect(texts.count == 47)
        for (text, line) in zip(texts, lines) {
            let expected = line.split(separator: " ").compactMap { Int32($0) }
            #expect(
                tokenizer.encode(text, addSpecialTokens: false, parseSpecialTokens: false) == expected,
                "\(text.debugDescription)")
        }
    }

    @Test func agreesWithTokenizerJSON() throws {
        let gguf = try Tokenizer(at: Shared.url("models/stories260K-f32.gguf").path)
        let json = try Tokenizer(at: Shared.url("models/stories260K").path)
        let text = try String(contentsOf: Shared.url("data/corpora/tinyshakespeare.txt"), encoding: .utf8)
        #expect(gguf.encode(text) == json.encode(text))
        #expect(gguf.bosToken == json.bosToken)
        #expect(gguf.eosTokens == json.eosTokens)
    }

    @Test func refusesWordPiece() {
        #expect {
            try Tokenizer(at: Shared.url("tokenizers/ggml-vocab/ggml-vocab-bert-bge.gguf").path)
        } throws: { error in
            "\(error)".hasSuffix("tokenizer.ggml.model names the tokenizer bert, expected llama, gpt2 or t5")
        }
    }
}
