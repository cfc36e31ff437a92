import DynamaxFormats
import Foundation
import TestSupport
import Testing

// Oracles: the story model's text, on which transformers and llama.cpp agree; transformers' greedy tokens beside each
// reference checkpoint (Tests/Fixtures/Scripts/make_references.py).

@Suite(.mayNotHang) struct GenerateTests {
    private static let tiny = ReferenceModel.named("llama-gqa").folder.path

    @Test(
        "text is the agreed one, to the byte", .enabled(if: StoryModel.isThere),
        arguments: [StoryModel.folder, StoryModel.f32])
    func golden(_ model: String) async throws {
        let run = try await Command.run(["generate", "-m", model, "Once upon a time", "-n", "200"])
        #expect(run.status == 0)
        #expect(run.output == StoryModel.continuation + "\n")
        #expect(run.errors == "")
    }

    @Test("text of the 8-bit file is the agreed one for 80 tokens", .enabled(if: StoryModel.isThere))
    func goldenQuantized() async throws {
        let run = try await Command.run(["generate", "-m", StoryModel.q8, "Once upon a time", "-n", "80"])
        #expect(run.status == 0)
        #expect(run.output.count > 200)
        #expect(StoryModel.continuation.hasPrefix(run.output.dropLast()))
    }

    @Test("tokens are transformers'", arguments: ReferenceModel.all)
    func tokens(_ reference: ReferenceModel) async throws {
        let expected = try reference.expected().require("greedy").integers()
        let run = try await Command.run(
            ["generate", "-m", reference.folder.path, "--tokens", list(reference.tokens()), "-n", "\(expected.count)"])
        #expect(run.status == 0)
        // Where the references went on after the end of the text, token 2, the command stops.
        let text = expected.prefix { $0 != 2 }.map { "\($0)" }.joined(separator: " ")
        #expect(run.output == text + "\n")
        #expect(run.errors == "")
    }

    private func list(_ tokens: [Int32]) -> String { tokens.map(String.init).joined(separator: ",") }

    @Test("--json has the fields that are promised, and no others")
    func json() async throws {
        let run = try await Command.run(
            [
                "generate", "-m", Self.tiny, "--tokens", "5,6,7", "-n", "4", "--exit", "softmax:0.01", "--guarantee",
                "none",
                "--json",
            ])
        #expect(run.status == 0)
        let object = try run.object()
        #expect(object.keys.sorted() == ["layers", "ledger", "model", "text", "timings", "tokens", "usage"])
        #expect(object["model"] as? String == Self.tiny)
        let tokens = try #require(object["tokens"] as? [[String: Any]])
        #expect(tokens.count == 4)
        #expect(tokens.allSatisfy { $0.keys.sorted() == ["id", "layer", "score", "text"] })
        #expect(tokens.compactMap { $0["text"] as? String }.joined() == object["text"] as? String)
        // The prompt runs through all layers, so only tokens after the first have an exit's score.
        #expect(tokens.map { $0["score"] is NSNull } == [true, false, false, false])
        #expect(tokens.map { $0["layer"] as? Int } == [3, 1, 1, 1])
        let layers = try #require(object["layers"] as? [String: Any])
        #expect(layers["mean"] as? Double == 1.5)
        #expect(layers["of"] as? Int == 3)
        let usage = try #require(object["usage"] as? [String: Int])
        #expect(usage == ["prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7])
        let timings = try #require(object["timings"] as? [String: Double])
        #expect(timings.keys.sorted() == ["decode_tps", "load_ms", "prefill_tps"])
        #expect(timings.values.allSatisfy { $0 > 0 })
        let ledger = try #require(object["ledger"] as? [String: Int])
        #expect(ledger["layer_rows"] == 3)
        #expect(ledger["bytes"] ?? 0 > 0)
    }

    @Test("scores are null without exits")
    func scoresWithoutExits() async throws {
        let run = try await Command.run(["generate", "-m", Self.tiny, "--tokens", "5", "-n", "2", "--json"])
        let tokens = try #require(try run.object()["tokens"] as? [[String: Any]])
        #expect(tokens.allSatisfy { $0["score"] is NSNull && $0["layer"] as? Int == 3 })
    }

    @Test(
        "each kind of exit decides tokens below the last layer",
        arguments: [
            ["--exit", "depth:1"], ["--exit", "softmax:0.001"], ["--exit", "margin:0"], ["--exit", "entropy:99"],
            ["--exit", "saturation:-1"], ["--exit", "softmax:0", "--exit-layers", "1"],
            ["--exit", "depth:1", "--state", "deferred"],
        ])
    func exits(_ options: [String]) async throws {
        let run = try await Command.run(
            ["generate", "-m", Self.tiny, "--tokens", "5,6", "-n", "3", "--json", "--guarantee", "none"] + options)
        #expect(run.status == 0)
        let tokens = try #require(try run.object()["tokens"] as? [[String: Any]])
        #expect(tokens.map { $0["layer"] as? Int } == [3, 1, 1])
    }

    @Test(
        "exits that never pass, or are off, change nothing",
        arguments: [
            ["--exit", "depth:3"], ["--exit", "softmax:1.1"], ["--exit", "depth:1", "--guarantee", "off"],
            ["--guarantee", "off"], ["-t", "1"], ["--exit", "depth:1"], ["--exit", "depth:2", "--drafts", "5"],
            ["--exit", "softmax:0.02", "--exit-layers", "1", "--guarantee", "exact", "--drafts", "3"],
        ])
    func unchanged(_ options: [String]) async throws {
        let arguments = ["generate", "-m", Self.tiny, "--tokens", "5,6,7", "-n", "24"]
        let plain = try await Command.run(arguments)
        let other = try await Command.run(arguments + options)
        #expect(plain.status == 0)
        #expect(plain.output.split(separator: " ").count == 24)
        #expect(other.output == plain.output)
    }

    @Test("a prompt may come from standard input", .enabled(if: StoryModel.isThere))
    func standardInput() async throws {
        let run = try await Command.run(["generate", "-m", StoryModel.folder, "-n", "20"], input: "Once upon a time")
        #expect(run.status == 0)
        #expect(StoryModel.continuation.hasPrefix(run.output.dropLast()))
    }

    @Test("sampling depends on the seed alone")
    func seeds() async throws {
        func text(_ seed: String) async throws -> String {
            let options = ["--temp", "1", "--top-k", "50", "--top-p", "0.95", "--min-p", "0.01", "--seed", seed]
            return try await Command.run(
                ["generate", "-m", Self.tiny, "--tokens", "5,6", "-n", "24"] + options
            ).output
        }
        let first = try await text("1")
        #expect(try await text("1") == first)
        #expect(try await text("2") != first)
    }

    @Test("the penalty for repetition is that of the command line, else of generation_config.json")
    func repetitionPenalty() async throws {
        let model = try BrokenModel()
        // Texts that transformers generates with each penalty (Tests/Fixtures/Scripts/make_sampling_fixture.py).
        let texts = try JSONNode(contentsOf: Fixtures.url("sampling.json").path).array("texts")
        func check(_ options: [String], _ penalty: Double) async throws {
            let text = try #require(
                try texts.first { try $0.string("model") == "llama-gqa" && $0.double("penalty") == penalty })
            let expected = try text.array("tokens").map { "\(try $0.int())" }
            let prompt = try text.array("prompt").map { "\(try $0.int())" }.joined(separator: ",")
            let run = try await Command.run(
                ["generate", "-m", model.path, "--tokens", prompt, "-n", "\(expected.count)"] + options)
            #expect(run.output == expected.joined(separator: " ") + "\n", "\(options)")
        }
        try model.write("generation_config.json", #"{"eos_token_id": -1}"#.utf8)
        try await check([], 1)
        try await check(["--repetition-penalty", "1.15"], 1.15)
        try model.write("generation_config.json", #"{"eos_token_id": -1, "repetition_penalty": 1.7}"#.utf8)
        try await check([], 1.7)
        try await check(["--exit", "depth:1", "--drafts", "5"], 1.7)
        try await check(["--repetition-penalty", "0.8"], 0.8)
        try await check(["--repetition-penalty", "1"], 1)
    }

    @Test("--verbose speaks on standard error only")
    func verbose() async throws {
        let arguments = ["generate", "-m", Self.tiny, "--tokens", "5,6", "-n", "3"]
        let plain = try await Command.run(arguments)
        let verbose = try await Command.run(arguments + ["--verbose"])
        #expect(verbose.output == plain.output)
        #expect(verbose.errors.contains("tokens/s"))
    }

    @Test("colours need a terminal and no NO_COLOR")
    func colours() async throws {
        let arguments = ["generate", "-m", Self.tiny, "--tokens", "5,6", "-n", "3", "--show-layers"]
        let plain = try await Command.run(arguments)
        #expect(!plain.output.contains("\u{1B}"))
        #expect(try await Terminal.output(of: arguments).contains("\u{1B}[38;5;"))
        #expect(try await !Terminal.output(of: arguments, environment: ["NO_COLOR": "1"]).contains("\u{1B}"))
    }

    @Test("--report writes a page, and changes nothing else")
    func report() async throws {
        let folder = try TemporaryFolder()
        let arguments = ["generate", "Once upon a time", "-m", "stories-llama", "-n", "40"]
        let path = folder.path + "/report.html"
        for options in [[], ["--exit", "depth:4"], ["--exit", "softmax:0.5", "--guarantee", "none"]] {
            let plain = try await Command.run(arguments + options)
            let run = try await Command.run(arguments + options + ["--report", path])
            #expect(run.status == 0 && run.errors == "" && run.output == plain.output)
            let page = try String(contentsOfFile: path, encoding: .utf8)
            #expect(
                page.hasPrefix("<!DOCTYPE html>") && page.contains("stories-llama") && page.contains("Once upon a time")
            )
        }
        let numbers = try await Command.run(
            ["generate", "-m", Self.tiny, "--tokens", "5,6", "-n", "3", "--report", path])
        #expect(numbers.status == 0)
        let missing = try await Command.run(arguments + ["--report", folder.path + "/none/report.html"])
        #expect(missing.status == 1 && missing.complaint.contains("none/report.html: the file cannot be made"))
    }
}
