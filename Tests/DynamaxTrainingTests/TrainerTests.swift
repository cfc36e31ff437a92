import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText
import DynamaxTraining
import Foundation
import TestSupport
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

// Oracles: a run that was never broken off, for those that were; inference, for the checkpoints. Gradients and optimizer
// steps have their own tests, against PyTorch.

@Suite struct TrainerTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let source = try String(contentsOf: Fixtures.url("tokenizer-training/corpus.txt"), encoding: .utf8)
        try folder.write("text.txt", source)
        try folder.write("held.txt", String(source.prefix(4000)))
    }

    private static let llama: JSON = [
        "model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": true,
    ]
    private static let mamba2: JSON = [
        "model_type": "mamba2", "hidden_size": 32, "num_hidden_layers": 3, "num_heads": 4, "head_dim": 16,
        "state_size": 8, "n_groups": 1, "expand": 2, "tie_word_embeddings": true,
    ]

    private func configuration(
        output: String, model: JSON = llama, _ changes: (inout JSONObject) -> Void = { _ in }
    ) throws -> TrainingConfiguration {
        var object: JSONObject = [
            "output": .string(output), "seed": 3, "steps": 8, "model": ["config": model],
            "tokenizer": .string(Fixtures.url("tokenizer-training/llama3.json").path),
            "data": [
                "folder": "corpora", "train": [["path": "text.txt", "separator": "<|endoftext|>"]],
                "validation": [["path": "held.txt", "separator": "<|endoftext|>"]],
            ],
            "batch": ["rows": 96, "context": 40], "optimizer": ["rate": 0.003], "schedule": ["warmup": 2],
            "exits": ["rule": "growing"], "evaluation": ["every": 4, "rows": 200],
            "samples": ["every": 5, "prompt": "The", "tokens": 6], "checkpoints": ["every": 3, "keep": 2],
        ]
        changes(&object)
        return try TrainingConfiguration(JSONNode(.object(object), location: "train.json"), folder: folder.path)
    }

    private func bytes(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(path)"))
    }

    /// metrics.jsonl without the time that steps took.
    private func metrics(_ output: String) throws -> [String] {
        try String(decoding: bytes("\(output)/metrics.jsonl"), as: UTF8.self).split(separator: "\n").map {
            String($0.replacing(/,"seconds":[^}]*/, with: ""))
        }
    }

    @Test("a run that was broken off goes on bit for bit", arguments: [llama, mamba2])
    func resuming(model: JSON) throws {
        let device = try Device(threads: 2)
        let changes: (inout JSONObject) -> Void = {
            $0.set("layer_dropout", ["maximum": 0.3, "rises": true])
            $0.set("batch", ["rows": 96, "context": 40, "accumulation": 2])
        }
        var whole = try Trainer(configuration(output: "whole", model: model, changes), resumes: false, on: device)
        try whole.run()

        // Broken off after step 5 without a checkpoint there, and with a half-written line and checkpoint.
        var first = try Trainer(configuration(output: "parts", model: model, changes), resumes: false, on: device)
        var steps = 0
        try first.run(shouldStop: {
            steps += 1
            return steps == 5
        })
        try FileManager.default.removeItem(atPath: "\(folder.path)/parts/checkpoints/step-00000005")
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/parts/checkpoints/step-00000006.part", withIntermediateDirectories: true)
        let log = try FileHandle(forUpdating: URL(fileURLWithPath: "\(folder.path)/parts/metrics.jsonl"))
        try log.seekToEnd()
        try log.write(contentsOf: Data("{\"step\":6,\"lo".utf8))

        // One thread this time: that makes no difference either.
        var second = try Trainer(
            configuration(output: "parts", model: model, changes), resumes: true, on: Device(threads: 1))
        #expect(second.step == 3)
        try second.run(shouldStop: { true })
        #expect(second.step == 4)
        var third = try Trainer(configuration(output: "parts", model: model, changes), resumes: true, on: device)
        try third.run()

        #expect(try metrics("parts") == metrics("whole"))
        for file in ["model.safetensors", "optimizer.safetensors", "config.json", "tokenizer.json"] {
            #expect(
                try bytes("parts/checkpoints/last/\(file)") == bytes("whole/checkpoints/last/\(file)"), "\(file)")
        }
    }

    @Test func aDamagedCheckpointIsPassedOver() throws {
        let device = try Device(threads: 1)
        var trainer = try Trainer(configuration(output: "run"), resumes: false, on: device)
        try trainer.run()
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/run/checkpoints").count >= 4)
        let path = "\(folder.path)/run/checkpoints/step-00000008/optimizer.safetensors"
        var damaged = try Data(contentsOf: URL(fileURLWithPath: path))
        damaged[damaged.count / 2] ^= 0xFF
        try damaged.write(to: URL(fileURLWithPath: path))
        var notes: [String] = []
        let resumed = try Trainer(configuration(output: "run"), resumes: true, on: device) { event in
            if case .note(let text) = event { notes.append(text) }
        }
        #expect(resumed.step == 6)
        #expect(notes.contains { $0.contains("step-00000008/optimizer.safetensors: the file has changed") })
    }

    @Test func aFolderInUseAndAnotherRunAreRefused() throws {
        let device = try Device(threads: 1)
        var trainer = try Trainer(configuration(output: "run") { $0.set("steps", 1) }, resumes: false, on: device)
        try trainer.run()
        #expect(throws: TrainingError.self) { try Trainer(configuration(output: "run"), resumes: false, on: device) }
        #expect(throws: TrainingError.self) {
            try Trainer(configuration(output: "run") { $0.set("seed", 4) }, resumes: true, on: device)
        }
    }

    @Test func aCheckpointIsAModelThatRuns() throws {
        let device = try Device(threads: 2)
        var trainer = try Trainer(configuration(output: "run"), resumes: false, on: device)
        try trainer.run()
        let files = try CheckpointFiles("\(folder.path)/run/checkpoints/best")
        let model = try LanguageModel(files, on: device)
        let tokenizer = try Tokenizer(at: files.folder)
        let tokens = tokenizer.encode("The Happy Prince")
        func logits(_ stack: any LayerStack) -> [Float] {
            let hidden = stack.run(
                0..<stack.layerCount, stack.embed(tokens), Batch(stack.makeState(history: 0), rows: tokens.count))
            return stack.head(hidden).array
        }
        if try bytes("run/checkpoints/best/model.safetensors") == bytes("run/checkpoints/last/model.safetensors") {
            #expect(logits(model.stack) == logits(trainer.model.stack))
        }
        let chart = String(decoding: try bytes("run/loss.svg"), as: UTF8.self)
        #expect(chart.hasPrefix("<svg") && chart.contains("held out: held"))
        #expect(XMLParser(data: Data(chart.utf8)).parse())
    }

    @Test(
        "losses fall",
        arguments: [
            ["exits": ["rule": "uniform", "depths": [1, 3]]], ["exits": ["rule": "rotating"]],
            ["layer_dropout": ["maximum": 0.5]], ["optimizer": ["kind": "sgd", "rate": 0.3, "momentum": 0.9]],
            ["optimizer": ["kind": "adam", "rate": 0.003]],
        ] as [JSONObject])
    func learning(changes: JSONObject) throws {
        var losses: [Double] = []
        var trainer = try Trainer(
            configuration(output: "run") {
                $0.set("steps", 30)
                $0.set("checkpoints", ["every": 1000])
                $0.set("evaluation", ["every": 1000])
                for (key, value) in changes { $0.set(key, value) }
            }, resumes: false, on: Device(threads: 2))
        try trainer.run { event in
            if case .step(let report) = event { losses.append(report.depths.last?.loss ?? 0) }
        }
        #expect(abs(losses[0] - 6.4) < 0.1)  // ln 600
        #expect(losses.suffix(5).reduce(0, +) / 5 < losses[0] - 0.4)
    }

    @Test func frozenParametersStay() throws {
        let device = try Device(threads: 1)
        func tensors(_ steps: Int) throws -> SafetensorsFile {
            let output = "run\(steps)"
            var trainer = try Trainer(
                configuration(output: output) {
                    $0.set("steps", .integer(steps))
                    $0.set("optimizer", ["groups": [["match": "*layers.1*", "frozen": true]]])
                }, resumes: false, on: device)
            try trainer.run()
            return try SafetensorsFile("\(folder.path)/\(output)/checkpoints/last/model.safetensors")
        }
        let (one, two) = (try tensors(1), try tensors(2))
        for name in one.tensorNames {
            let isSame = try one.require(name).floats() == two.require(name).floats()
            #expect(isSame == name.contains("layers.1"), "\(name)")
        }
    }

    @Test func aPatternThatFitsNothingIsRefused() throws {
        let error = #expect(throws: FormatError.self) {
            try Trainer(
                configuration(output: "run") { $0.set("optimizer", ["groups": [["match": "*q_proj"]]]) },
                resumes: false, on: Device(threads: 1))
        }
        #expect(error?.description.contains("optimizer.groups[0].match") == true)
    }

    @Test func aLossThatIsNoNumberEndsTheRun() throws {
        let sources: [String: JSON] = ["blind": [], "seeing": [["path": "held.txt"]]]
        for (output, validation) in sources {
            var trainer = try Trainer(
                configuration(output: output) {
                    $0.set("data", ["folder": "corpora", "train": [["path": "text.txt"]], "validation": validation])
                    $0.set("optimizer", ["kind": "sgd", "rate": 1e6, "clip": 1e30])
                    $0.set("schedule", ["kind": "linear", "warmup": 200])
                    $0.set("samples", [:])
                    $0.set("checkpoints", ["every": 1])
                    $0.set("steps", 200)
                }, resumes: false, on: Device(threads: 2))
            let error = #expect(throws: TrainingError.self) { try trainer.run() }
            guard case .notANumber(let step, let checkpoint?) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(["\(step - 2)", "\(step - 3)"].contains { checkpoint.hasSuffix("step-0000000\($0)") })
            let weights = try SafetensorsFile("\(checkpoint)/model.safetensors")
            for name in weights.tensorNames {
                #expect(try weights.require(name).floats().allSatisfy { $0.isFinite })
            }
        }
    }

    @Test func depthsBeyondTheModelAreRefused() throws {
        let error = #expect(throws: FormatError.self) {
            try Trainer(
                configuration(output: "run") { $0.set("exits", ["rule": "uniform", "depths": [2, 4]]) },
                resumes: false, on: Device(threads: 1))
        }
        #expect(error?.description == "train.json: the field exits.depths must hold depths up to 3, not 4")
    }
}
