import DynamaxFormats
import DynamaxTensor
import DynamaxText
import Foundation

/// Prompts of one source, one a line: plain text, or in a .jsonl file objects with `prompt` and perhaps `reference`.
struct PromptFile {
    struct Entry: Hashable {
        let prompt: [Token]
        /// A text that would be right.
        let reference: [Token]?
    }

    let entries: [Entry]

    /// Reads prompts, at least one; special tokens are added to each.
    init(contentsOf path: String, _ tokenizer: Tokenizer) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw FormatError(.inaccessible, path, "the file cannot be read")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw FormatError(.malformed, path, "the file is not UTF-8, expected one prompt a line")
        }
        let isJSON = path.hasSuffix(".jsonl")
        var entries: [Entry] = []
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
        where !line.allSatisfy(\.isWhitespace) {
            var (prompt, reference) = (String(line), String?.none)
            if isJSON {
                let place = "\(path), line \(number + 1)"
                let json = try JSONNode(JSON(parsing: Array(line.utf8), name: place), location: place)
                prompt = try json.string("prompt")
                reference = try json.optionalString("reference")
            }
            let tokens = tokenizer.encode(prompt)
            guard !tokens.isEmpty else { continue }
            entries.append(
                Entry(prompt: tokens, reference: reference.map { tokenizer.encode($0, addSpecialTokens: false) }))
        }
        guard !entries.isEmpty else {
            throw FormatError(.mismatch, path, "there is no prompt, expected one a line")
        }
        self.entries = entries
    }
}
