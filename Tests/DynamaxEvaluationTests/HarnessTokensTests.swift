import DynamaxBundledModels
import DynamaxEvaluation
import DynamaxFormats
import DynamaxTensor
import DynamaxText
import Testing

// Oracle: the definitions of lm-evaluation-harness, by hand; HarnessTests hold whole requests to its own.

@Suite struct HarnessTokensTests {
    private let stories = "Once upon a time there was a little cat. The cat liked to play in the sun. "

    @Test("tokens are cut as the harness cuts them")
    func tokens() throws {
        let limit = 96
        let tokenizer = try Tokenizer(CheckpointFiles(BundledModel.storiesLlama.folder()))
        let tokens = try HarnessTokens(tokenizer, limit: limit)
        func encode(_ text: String) -> [Token] { tokenizer.encode(text) }
        // White space goes to the continuation.
        let little = encode("The little")
        let whole = encode("The little \ncat")
        let moved = try tokens.continuation(Continuation("cat", after: "The little \n"))
        #expect(moved == (try tokens.continuation(Continuation(" \ncat", after: "The little"))))
        #expect(moved.tokens == little + Array(whole.dropFirst(little.count)))
        #expect(moved.asked == whole.count - little.count && moved.asked > 0)
        // An empty context is the token that begins or ends a text.
        let prefix = try #require(tokenizer.bosToken ?? tokenizer.eosTokens.first)
        let empty = try tokens.continuation(Continuation("The cat", after: ""))
        #expect(empty.tokens == [prefix] + tokenizer.encode("The cat", addSpecialTokens: false))
        #expect(empty.asked == empty.tokens.count - 1)
        #expect(try tokens.continuation(Continuation("cat", after: "  ")).asked > 0)
        #expect(try tokens.continuation(Continuation("", after: "The cat")).asked == 0)
        // What is long loses its beginning.
        let long = String(repeating: stories, count: 30)
        let cut = try tokens.continuation(Continuation(" the end", after: long))
        let ending = encode(long + " the end")
        #expect(cut.tokens == Array(ending.suffix(limit + 1)))
        let prompt = try tokens.prompt(long, room: 40)
        #expect(prompt == Array(encode(long).suffix(limit - 40)))
        #expect(throws: EvaluationError.noRoom(tokens: 96, limit: 96)) { try tokens.prompt("a", room: 96) }
        #expect(throws: EvaluationError.self) { try tokens.continuation(Continuation(long, after: "a")) }
        // Windows ask about each token once, each after what comes before it as far as it fits.
        for text in ["A", stories, long] {
            let all = encode(text)
            let windows = tokens.windows(text)
            let asked: [Token] = windows.flatMap { Array($0.tokens.suffix($0.asked)) }
            #expect(asked == all)
            let longest = limit + 1
            #expect(windows.allSatisfy { $0.tokens.count <= longest && $0.asked < $0.tokens.count })
            #expect(windows.dropFirst().allSatisfy { $0.tokens.count == longest })
        }
        #expect(tokens.windows("").allSatisfy { !$0.tokens.isEmpty })
    }

    @Test("stops are seen across the borders of pieces", arguments: 1...4)
    func stops(_ size: Int) {
        let cases: [(text: String, stops: [String], sees: Bool)] = [
            ("abc\n\nQ:", ["\n\nQ"], true), ("abc\nQ:", ["\n\nQ"], false), ("aaab", ["aab"], true),
            ("über", ["be"], true), ("a", [""], false), ("xyz", [], false),
        ]
        for (text, stops, sees) in cases {
            var watch = StopWatch(stops)
            let bytes = Array(text)
            for start in stride(from: 0, to: bytes.count, by: size) {
                watch.read(String(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(watch.hasSeen == sees, "\(text)")
        }
    }
}
