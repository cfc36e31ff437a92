import DynamaxFormats
import DynamaxText
import Foundation
import TestSupport
import Testing

// Oracle: the vectors that swift-transformers publishes, made with transformers.

private let folder = "tokenizers/swift-transformers-vectors"

@Suite(.enabled(if: Shared.has(folder))) struct PublishedVectorTests {
    @Test(
        "long texts have the published tokens",
        arguments: [("gpt2_encoded_tokens.json", "gpt2_vocab.json"), ("llama_encoded.json", "llama2_tokenizer.model")])
    func longTexts(_ vectors: String, _ tokenizer: String) throws {
        let tokenizer = try Tokenizer(at: Shared.url("tokenizers/\(tokenizer)").path)
        let file = try JSONNode(contentsOf: Shared.url("\(folder)/\(vectors)").path)
        let expected = try file.array("token_ids").map { try Int32($0.int()) }
        let tokens = tokenizer.encode(try file.string("text"))
        #expect(tokens == expected || Array(tokens.dropFirst()) == expected)  // with or without <s>
    }

    @Test(
        "short texts have the published tokens",
        arguments: [
            ("distilgpt2", "gpt2_vocab.json"),
            ("coreml-projects/Llama-2-7b-chat-coreml", "llama2_tokenizer.model"),
        ])
    func shortTexts(_ name: String, _ tokenizer: String) throws {
        let tokenizer = try Tokenizer(at: Shared.url("tokenizers/\(tokenizer)").path)
        let cases = try JSONNode(contentsOf: Shared.url("\(folder)/tokenizer_tests.json").path).array(name)
        #expect(cases.count == 18)
        for item in cases {
            let expected = try item.node("encoded").array("input_ids").map { try Int32($0.int()) }
            #expect(tokenizer.encode(try item.string("input")) == expected)
        }
    }
}
