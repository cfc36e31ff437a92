import Foundation
import TestSupport
import Testing

// What is checked here is the report's form; its figures depend on the machine.

@Suite(.mayNotHang) struct BenchTests {
    private static let shape = ReferenceModel.named("llama-gqa").folder.path + "/config.json"

    @Test("a shape is enough", arguments: [[], ["--quantize", "q8"], ["--quantize", "q4"]])
    func random(_ options: [String]) async throws {
        let run = try await Command.run(
            ["bench", "--random", Self.shape, "-p", "8", "-n", "4", "-r", "3", "-t", "1", "--json"] + options)
        #expect(run.status == 0)
        #expect(run.errors == "")
        let object = try run.object()
        #expect(object["model"] as? String == "llama")
        #expect(object["threads"] as? Int == 1)
        for (name, tokens) in [("prefill", 8), ("decode", 4)] {
            let phase = try #require(object[name] as? [String: Any])
            #expect(phase["tokens"] as? Int == tokens)
            let rate = try #require(phase["tokens_per_second"] as? [String: Any])
            #expect((rate["runs"] as? [Double])?.count == 3)
            #expect(rate["median"] as? Double ?? 0 > 0)
        }
    }

    @Test("a checkpoint is measured as well, and phases can be left out")
    func checkpoint() async throws {
        let model = ReferenceModel.named("mamba2").folder.path
        let run = try await Command.run(["bench", "-m", model, "-p", "0", "-n", "4", "-r", "1"])
        #expect(run.status == 0)
        #expect(run.output.contains("decode 4"))
        #expect(!run.output.contains("prefill"))
    }

    @Test("decoding with exits is measured beside decoding through all layers")
    func exits() async throws {
        let options = ["--random", Self.shape, "-p", "4", "-n", "6", "-r", "2", "-t", "1", "--json"]
        let run = try await Command.run(["bench", "--exit", "depth:1", "--settle", "0.001"] + options)
        #expect(run.status == 0)
        let exits = try #require(try run.object()["exits"] as? [String: Any])
        #expect(exits["same_tokens"] as? Double == 1)
        // Where later layers add next to nothing, all drafts are kept.
        let drafted = try #require(exits["drafted_tokens"] as? Int)
        #expect(exits["accepted_tokens"] as? Int == drafted)
        let ratio = try #require(exits["ratio"] as? [String: Any])
        #expect((ratio["runs"] as? [Double])?.count == 2)

        let story = ["-m", "stories-llama", "-p", "0", "-n", "8", "-r", "1", "--exit", "depth:2", "--drafts", "2"]
        let folder = try TemporaryFolder()
        let prompts = try folder.write("prompts.txt", Data("Once upon a time\n\nThe fox\n".utf8))
        let text = try await Command.run(["bench", "--prompts", prompts] + story)
        #expect(text.status == 0)
        #expect(text.output.contains("same tokens      1.0000"))
        let none = try folder.write("none.txt", Data("\n \n".utf8))
        let empty = try await Command.run(["bench", "--prompts", none] + story)
        #expect(empty.status == 1)
        #expect(empty.complaint.contains("none.txt: there is no prompt"))
    }

    @Test("the machine's limits are measured beside the model")
    func limits() async throws {
        let options = ["bench", "--limits", "--random", Self.shape, "-n", "6", "-t", "1"]
        let run = try await Command.run(options + ["--quantize", "q8", "-p", "4", "-r", "2", "--json"])
        #expect(run.status == 0)
        let limits = try #require(try run.object()["limits"] as? [String: Any])
        for name in ["read_bytes_per_second", "multiply_adds_per_second", "prefill_share", "decode_share"] {
            let rate = try #require(limits[name] as? [String: Any])
            #expect((rate["runs"] as? [Double])?.count == 2)
            #expect(rate["median"] as? Double ?? 0 > 0)
        }
        #expect(limits["operand"] as? String == "int8")

        let text = try await Command.run(options + ["--quantize", "f32", "-p", "0", "-r", "1"])
        #expect(text.output.contains("multiply-adds/s of f32") && text.output.contains("decode share"))
        #expect(!text.output.contains("prefill share"))
    }

    @Test("a model larger than the machine's memory is refused")
    func tooLarge() async throws {
        let text = try String(contentsOfFile: Self.shape, encoding: .utf8)
        var fields = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        for name in ["hidden_size", "intermediate_size", "vocab_size"] { fields[name] = 1 << 24 }
        for name in ["num_attention_heads", "num_key_value_heads"] { fields[name] = 1 << 20 }
        fields["num_hidden_layers"] = 4096
        let folder = try TemporaryFolder()
        let path = try folder.write("config.json", JSONSerialization.data(withJSONObject: fields))
        let run = try await Command.run(["bench", "--random", path, "-p", "1", "-n", "1", "-r", "1"])
        #expect(run.status == 1)
        #expect(run.complaint.contains("does not fit into the"))
    }
}
