import TestSupport
import Testing

// Oracle: the Python package tokenizers, asked for the same texts.

@Suite(.mayNotHang, .enabled(if: StoryModel.isThere)) struct TokenizeTests {
    private static let file = StoryModel.folder + "/tokenizer.json"

    @Test("numbers are printed on a line", arguments: [["-m", StoryModel.folder], ["--tokenizer", file]])
    func numbers(_ options: [String]) async throws {
        let run = try await Command.run(["tokenize", "Once upon a time"] + options)
        #expect(run.status == 0)
        #expect(run.output == "1 403 407 261 378\n")
        #expect(run.errors == "")
    }

    @Test("--json has ids and pieces")
    func json() async throws {
        let run = try await Command.run(["tokenize", "-m", StoryModel.folder, "--json"], input: "Zoë found\n12 eggs.")
        let object = try run.object()
        #expect(object.keys.sorted() == ["ids", "tokens"])
        #expect(
            object["ids"] as? [Int] == [
                1, 410, 469, 414, 198, 174, 272, 277, 264, 13, 475, 479, 344, 428, 428, 419, 426,
            ])
        #expect(
            object["tokens"] as? [String] == [
                "<s>", "▁", "Z", "o", "<0xC3>", "<0xAB>", "▁f", "ou", "nd", "<0x0A>", "1", "2", "▁e", "g", "g", "s",
                ".",
            ])
    }

    @Test("--no-special leaves the beginning of the text out")
    func noSpecial() async throws {
        let run = try await Command.run(["tokenize", "-m", StoryModel.folder, "--no-special", "Once upon a time"])
        #expect(run.output == "403 407 261 378\n")
    }
}
