import DynamaxFormats
import Foundation
import TestSupport
import Testing

// Oracle: the headers of the checkpoints, counted apart; transformers wrote them.

@Suite(.mayNotHang) struct InspectTests {
    @Test("sizes are the checkpoint's")
    func sizes() async throws {
        let folder = ReferenceModel.named("llama-sharded").folder.path
        let run = try await Command.run(["inspect", folder, "--json", "--tensors"])
        #expect(run.status == 0)
        let object = try run.object()
        #expect(object["family"] as? String == "llama")
        #expect(object["supported"] as? Bool == true)
        #expect(object["vocabulary"] as? Int == 96)
        let shards = try ["1", "2", "3"].map { try SafetensorsFile("\(folder)/model-0000\($0)-of-00003.safetensors") }
        let tensors = try shards.flatMap { shard in try shard.tensorNames.map { try shard.require($0) } }
        #expect(object["parameters"] as? Int == tensors.reduce(0) { $0 + $1.count })
        #expect((object["tensors"] as? [[String: Any]])?.count == tensors.count)
    }

    @Test("a family that cannot run can be looked at")
    func unsupported() async throws {
        let model = try BrokenModel()
        try model.configure("model_type", "gemma3")
        let run = try await Command.run(["inspect", model.path])
        #expect(run.status == 0)
        #expect(run.output.contains("gemma3 (not supported)"))
    }
}
