import Foundation
import TestSupport
import Testing

// What is checked here is the report's form; its figures depend on the machine.

@Suite(.timeLimit(.minutes(1))) struct BenchTests {
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
