// Oracle: PyPI tokenizers 0.23.3 on the same tokenizer.json.
import DynamaxText
import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Shared.has("models/stories260K")))
struct StoriesTokenizerTests {
    @Test func agreesWithReference() throws {
        let tokenizer = try Tokenizer(at: Shared.url("models/stories260K").path)
        #expect(tokenizer.vocabularySize == 512)
        #expect(tokenizer.bosToken == 1)
        #expect(tokenizer.eosTokens == [2])
        #expect(tokenizer.unknownToken == 0)
        #expect(tokenizer.encode("Once upon a time") == [1, 403, 407, 261, 378])
        #expect(tokenizer.encode("") == [1])
        #expect(tokenizer.encode("", addSpecialTokens: false) == [])
        #expect(try tokenizer.decode([1, 403, 407, 261, 378]) == "Once upon a time")
    }
}
