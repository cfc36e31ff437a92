import DynamaxFormats
import Foundation
import TestSupport
import Testing

// Oracle: the logits that `dynamax trace` writes, which the tests of the families hold to transformers; the cross entropy
// is taken of them here.

@Suite(.mayNotHang) struct FineTuningTests {
    private static let text = "The Happy Prince stood high above the city, and the swallow flew to him in the night."

    /// A run of a few steps from the beginning, to go on from.
    private func pretrained() async throws -> TrainingRun {
        let run = try TrainingRun()
        try run.write("story.txt", Self.text)
        try run.configure("first", ["steps": "20", "optimizer": #"{"rate": 0.01}"#])
        let first = try await run.train("first")
        #expect(first.status == 0, "\(first.errors)")
        return run
    }

    /// Fields of a run that goes on from there, with the one text as its batch.
    private func fields(_ changes: [String: String]) -> [String: String] {
        [
            "model": #"{"checkpoint": "first/checkpoints/last"}"#, "steps": "3",
            "data": #"{"folder": "corpora", "train": [{"path": "story.txt"}]}"#,
            "batch": #"{"rows": 1000, "context": 1000}"#, "layer_dropout": #"{"maximum": 0}"#,
        ].merging(changes) { $1 }
    }

    /// The mean cross entropy of the text at each depth of a checkpoint.
    private func losses(_ run: TrainingRun, _ checkpoint: String) async throws -> [Double] {
        let tokenizer = Fixtures.url("tokenizer-training/llama3.json").path
        let encoded = try await Command.run(["tokenize", "--tokenizer", tokenizer, "--json", Self.text])
        let ids = try #require(try encoded.object()["ids"] as? [Int])
        let tokens = ids + [1]  // which ends a text
        let list = tokens.map(String.init).joined(separator: ",")
        let file = "\(run.path)/trace.safetensors"
        let trace = try await Command.run(["trace", "-m", checkpoint, "--tokens", list, "-o", file])
        #expect(trace.status == 0, "\(trace.errors)")
        let logits = try SafetensorsFile(file).require("exit_logits")
        let (numbers, width) = (try logits.floats(), logits.shape[2])
        return (0..<logits.shape[0]).map { depth in
            let sum = (0..<tokens.count - 1).reduce(0.0) { sum, position in
                let row = numbers[
                    (depth * tokens.count + position) * width..<(depth * tokens.count + position + 1) * width]
                let total = log(row.reduce(0.0) { $0 + exp(Double($1)) })
                return sum + total - Double(row[row.startIndex + tokens[position + 1]])
            }
            return sum / Double(tokens.count - 1)
        }
    }

    private func record(_ run: TrainingRun, _ name: String, line: Int) throws -> JSONNode {
        try JSONNode(JSON(parsing: Array(run.metrics(name)[line].utf8), name: name), location: name)
    }

    @Test("sorted fine-tuning begins with the losses of the checkpoint's depths, and moves what is not frozen")
    func sorted() async throws {
        let run = try await pretrained()
        try run.configure(
            "second",
            fields([
                "exits": #"{"rule": "uniform"}"#,
                "optimizer": #"{"rate": 0.003, "groups": [{"match": "*.layers.{0,1}.*", "frozen": true}]}"#,
            ]))
        let second = try await run.train("second")
        #expect(second.status == 0, "\(second.errors)")

        let expected = try await losses(run, "\(run.path)/first/checkpoints/last")
        let first = try record(run, "second", line: 0)
        for (depth, loss) in expected.enumerated() {
            #expect(abs(try first.node("loss_by_depth").double("\(depth + 1)") - loss) < 1e-4)
        }
        #expect(abs(try first.double("loss") - expected.reduce(0, +) / 3) < 1e-4)
        // The rate falls to a tenth and every step is downhill.
        #expect(try record(run, "second", line: 2).double("loss") < first.double("loss"))

        let (before, after) = (try run.tensors("first"), try run.tensors("second"))
        #expect(before.tensorNames.sorted() == after.tensorNames.sorted())
        for name in before.tensorNames {
            let isSame = try before.require(name).floats() == after.require(name).floats()
            #expect(isSame == (name.contains("layers.0.") || name.contains("layers.1.")), "\(name)")
        }

        let checkpoint = "\(run.path)/second/checkpoints/last"
        let text = try await Command.run(
            ["generate", "-m", checkpoint, "The Happy", "-n", "8", "--exit", "softmax:0.1", "--json"])
        #expect(text.status == 0, "\(text.errors)")
        let written = try await losses(run, checkpoint)
        #expect(zip(written, expected).allSatisfy { $0 < $1 })
    }

    @Test("rotating exits take the last depth and one more in turn")
    func rotating() async throws {
        let run = try await pretrained()
        try run.configure(
            "second", fields(["exits": #"{"rule": "rotating"}"#, "optimizer": #"{"rate": 0}"#, "steps": "4"]))
        let second = try await run.train("second")
        #expect(second.status == 0, "\(second.errors)")
        let expected = try await losses(run, "\(run.path)/first/checkpoints/last")
        for step in 0..<4 {
            let record = try record(run, "second", line: step)
            let early = step % 2 + 1
            #expect(try Set(record.object("loss_by_depth").keys) == ["\(early)", "3"])
            // Weights grow as the sum of 1 ... d: 1, 3 and 6.
            let weight = Double(early * (early + 1) / 2)
            let loss = (weight * expected[early - 1] + 6 * expected[2]) / (weight + 6)
            #expect(abs(try record.double("loss") - loss) < 1e-4)
        }
    }
}
