import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText
import Foundation

/// The folder of a run: config.json (the configuration as it was read), metrics.jsonl, loss.svg and checkpoints.
struct RunFolder {
    let path: String
    let checkpoints: CheckpointStore

    /// Opens the folder of a run, or makes it.
    ///
    /// - Throws: `TrainingError.folderInUse` where a run is there that is not to be resumed.
    init(_ path: String, resumes: Bool) throws {
        self.path = path
        checkpoints = try CheckpointStore("\(path)/checkpoints")
        if !resumes, !checkpoints.steps.isEmpty { throw TrainingError.folderInUse(path) }
    }

    func write(_ configuration: TrainingConfiguration) throws(FormatError) {
        try FileOutput.replace("\(path)/config.json", with: Array("\(configuration.json.value)\n".utf8))
    }

    /// Draws the losses that were logged.
    func drawChart(_ log: MetricsLog, title: String) throws(FormatError) {
        var training: [(x: Double, y: Double)] = []
        var held: [String: [(x: Double, y: Double)]] = [:]
        for record in log.records {
            guard let step = RunFolder.number(record["step"]) else { continue }
            if let loss = RunFolder.number(record["loss"]) { training.append((step, loss)) }
            guard case .object(let texts)? = record["evaluation"] else { continue }
            for (name, result) in texts {
                // The last depth is the whole model.
                guard case .object(let depths)? = result["per_token"], let last = depths.last,
                    let loss = RunFolder.number(last.value)
                else { continue }
                held[name, default: []].append((step, loss))
            }
        }
        let lines = held.keys.sorted().map {
            LossChart.Line(name: "held out: \($0)", points: held[$0] ?? [], isNoisy: false)
        }
        let chart = LossChart(
            title: title, lines: [LossChart.Line(name: "training", points: training, isNoisy: true)] + lines)
        try FileOutput.replace("\(path)/loss.svg", with: Array(chart.svg.utf8))
    }

    private static func number(_ value: JSON?) -> Double? {
        switch value {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        default: nil
        }
    }
}

/// Writes a model as Hugging Face lays it out.
struct ModelExport {
    let configuration: JSONNode
    let parameters: TrainableParameters
    let tokenizer: Tokenizer

    /// Writes model.safetensors, config.json, generation_config.json and the tokenizer's files into a folder.
    func write(toFolder folder: String) throws(FormatError) {
        var writer = SafetensorsWriter(metadata: ["format": "pt"])
        for entry in parameters.entries {
            for (name, numbers, shape) in entry.stored(entry.tensor) { writer.add(name, numbers, shape: shape) }
        }
        try writer.write(to: "\(folder)/model.safetensors")
        var config = try configuration.object()
        var generation = JSONObject()
        if let bos = tokenizer.bosToken {
            config.set("bos_token_id", .integer(Int(bos)))
            generation.set("bos_token_id", .integer(Int(bos)))
        }
        if let eos = tokenizer.eosTokens.first {
            config.set("eos_token_id", .integer(Int(eos)))
            generation.set("eos_token_id", .integer(Int(eos)))
        }
        config.set("torch_dtype", "float32")
        try FileOutput.replace("\(folder)/config.json", with: Array("\(JSON.object(config))\n".utf8))
        try FileOutput.replace(
            "\(folder)/generation_config.json", with: Array("\(JSON.object(generation))\n".utf8))
        try copyTokenizer(toFolder: folder)
    }

    /// The tokenizer's files: its own under the name that readers look for, and those beside it that go with such names.
    private func copyTokenizer(toFolder folder: String) throws(FormatError) {
        let source = (tokenizer.location as NSString).deletingLastPathComponent
        let own = (tokenizer.location as NSString).lastPathComponent
        let standard = ["tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json"]
        guard standard.contains(own) else {
            guard own.hasSuffix(".json") || own.hasSuffix(".model") else {
                throw FormatError(
                    .unsupported, tokenizer.location,
                    "a checkpoint cannot hold this tokenizer, expected tokenizer.json or a SentencePiece model")
            }
            return try copy(
                tokenizer.location, to: "\(folder)/\(own.hasSuffix(".json") ? "tokenizer.json" : "tokenizer.model")")
        }
        for name in [own, "tokenizer_config.json", "special_tokens_map.json", "merges.txt"] {
            let path = source.isEmpty ? name : "\(source)/\(name)"
            if FileManager.default.fileExists(atPath: path) { try copy(path, to: "\(folder)/\(name)") }
        }
    }

    private func copy(_ path: String, to target: String) throws(FormatError) {
        let file = try MappedFile(path)
        defer { withExtendedLifetime(file) {} }
        try FileOutput.replace(target) { output throws(FormatError) in try output.write(file.bytes) }
    }
}
