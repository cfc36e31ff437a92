import DynamaxFormats
import Foundation
import TestSupport

/// A folder with what `dynamax train` needs for a small model, and runs of it.
struct TrainingRun {
    private let folder: TemporaryFolder
    var path: String { folder.path }

    init() throws {
        folder = try TemporaryFolder()
        let text = try String(contentsOf: Fixtures.url("tokenizer-training/corpus.txt"), encoding: .utf8)
        try folder.write("text.txt", text)
        try folder.write("held.txt", String(text.prefix(3000)))
    }

    /// Writes NAME.json, which trains the model into the folder NAME.
    ///
    /// - Parameters:
    ///   - model: "llama" or "mamba2".
    ///   - changes: fields that differ, as JSON.
    func configure(_ name: String, model: String = "llama", _ changes: [String: String] = [:]) throws {
        var fields = [
            "output": #""\#(name)""#, "seed": "3", "steps": "120",
            "model": #"{"config": \#(TrainingRun.models[model]!)}"#,
            "tokenizer": #""\#(Fixtures.url("tokenizer-training/llama3.json").path)""#,
            "data": """
            {"folder": "corpora", "train": [{"path": "text.txt", "separator": "<|endoftext|>"}],
             "validation": [{"path": "held.txt"}]}
            """,
            "batch": #"{"rows": 96, "context": 40, "accumulation": 2}"#, "optimizer": #"{"rate": 0.003}"#,
            "schedule": #"{"warmup": 5}"#, "exits": #"{"rule": "growing"}"#,
            "layer_dropout": #"{"maximum": 0.2, "rises": true}"#, "evaluation": #"{"every": 30, "rows": 200}"#,
            "checkpoints": #"{"every": 4, "keep": 3}"#,
        ]
        fields.merge(changes) { $1 }
        let text = fields.sorted { $0.key < $1.key }.map { "\"\($0)\": \($1)" }.joined(separator: ",\n")
        try folder.write("\(name).json", "{\n\(text)\n}\n")
    }

    private static let models = [
        "llama": """
        {"model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
         "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": true}
        """,
        "mamba2": """
        {"model_type": "mamba2", "hidden_size": 32, "num_hidden_layers": 3, "num_heads": 4, "head_dim": 16,
         "state_size": 8, "n_groups": 1, "expand": 2, "tie_word_embeddings": true}
        """,
    ]

    /// Runs `dynamax train NAME.json`.
    func train(_ name: String, _ options: String...) async throws -> Command.Outcome {
        try await Command.run(["train", "\(path)/\(name).json", "-t", "1"] + options)
    }

    /// Runs `dynamax train NAME.json --resume` and kills it, as nothing can prevent, when `isTime` says so.
    ///
    /// - Parameter pause: how long to wait then.
    /// - Returns: whether it was killed; otherwise the run had ended before.
    func kill(
        _ name: String, pause: Duration = .zero, when isTime: () throws -> Bool
    ) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = ["train", "\(path)/\(name).json", "-t", "1", "--resume"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try Command.start(process)
        // Not by suspending: where other tests hold the threads, a run would be over before it is looked at again.
        while process.isRunning, try !isTime() { usleep(200) }
        usleep(UInt32(pause / .microseconds(1)))
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal
    }

    /// Writes a file into the folder.
    func write(_ name: String, _ text: String) throws { try folder.write(name, text) }

    func bytes(_ file: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(file)")) }

    func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)")) ?? []).sorted()
    }

    /// Lines of NAME/metrics.jsonl, without the time that steps took.
    func metrics(_ name: String) throws -> [String] {
        try String(decoding: bytes("\(name)/metrics.jsonl"), as: UTF8.self).split(separator: "\n").map {
            String($0.replacing(/,"seconds":[^}]*/, with: ""))
        }
    }

    /// The tensors of the last checkpoint.
    func tensors(_ name: String) throws -> SafetensorsFile {
        try SafetensorsFile("\(path)/\(name)/checkpoints/last/model.safetensors")
    }
}
