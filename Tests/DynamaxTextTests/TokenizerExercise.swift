import DynamaxFormats
import DynamaxText
import Foundation

/// Reads a tokenizer from bytes, however odd they are, and uses it: it may be refused, and must be survived.
///
/// Shared by the test that goes through the corpus and by the fuzzer (see Fuzzing/README.md).
enum TokenizerExercise {
    private static let texts = [
        "", "Once upon a time, there was a 😀.\n\n  1234 don't", "<s>\u{0}\u{FFFD}e\u{301}é</s> ab b a",
    ]

    /// Takes bytes for tokenizer.json, a GGUF vocabulary or a SentencePiece model, as they begin.
    ///
    /// - Throws: the reader's refusal.
    static func read(_ bytes: [UInt8]) throws {
        let tokenizer =
            if bytes.starts(with: "{".utf8) {
                try Tokenizer(json: JSONNode(JSON(parsing: bytes, name: "input"), location: "input"))
            } else {
                try tokenizer(inFileOf: bytes, ending: bytes.starts(with: "GGUF".utf8) ? "gguf" : "model")
            }
        for text in texts {
            let tokens = tokenizer.encode(text)
            _ = try tokenizer.decode(tokens)
            _ = try tokenizer.decode(tokens.reversed(), skipSpecialTokens: false)
        }
    }

    private static func tokenizer(inFileOf bytes: [UInt8], ending: String) throws -> Tokenizer {
        let name = "dynamax-\(UInt64.random(in: 0...UInt64.max)).\(ending)"
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(name)
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(bytes).write(to: file)
        return try Tokenizer(at: file.path)
    }
}
