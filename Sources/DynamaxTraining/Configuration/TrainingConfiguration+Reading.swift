public import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation

extension TrainingConfiguration {
    /// Reads a configuration.
    ///
    /// - Throws: `FormatError` that names the file and the field that is unknown, missing or out of range.
    public init(contentsOf path: String) throws(FormatError) {
        let json = try JSONNode(contentsOf: path)
        let folder = (path as NSString).deletingLastPathComponent
        try self.init(json, folder: folder.isEmpty ? "." : folder)
    }

    /// Takes a configuration that has been read.
    ///
    /// - Parameter folder: what paths are relative to.
    public init(_ json: JSONNode, folder: String) throws(FormatError) {
        try json.only(
            "output", "seed", "steps", "precision", "model", "tokenizer", "data", "batch", "optimizer", "schedule",
            "exits",
            "layer_dropout", "evaluation", "samples", "checkpoints")
        func path(_ relative: String) -> String { relative.hasPrefix("/") ? relative : "\(folder)/\(relative)" }
        self.json = json
        output = path(try json.string("output"))
        seed = UInt64(try json.int("seed", in: 0...(.max), default: 0))
        steps = try json.int("steps", in: 1...1_000_000_000)
        precision = try json.choice("precision", default: .f32)
        model = try Model(json.node("model"), path)
        tokenizer = path(try json.string("tokenizer"))
        data = try Data(json.node("data"), path)
        batch = try Batch(json.section("batch"))
        optimizer = try Optimizer(json.section("optimizer"))
        schedule = try Schedule(json.section("schedule"))
        exits = try Exits(json.section("exits"))
        layerDropout = try json["layer_dropout"].map { node throws(FormatError) in try LayerDropout(node) }
        evaluation = try Evaluation(json.section("evaluation"))
        samples = try Samples(json.section("samples"))
        checkpoints = try Checkpoints(json.section("checkpoints"))
    }

    /// The part of the file that a run which is resumed must share with the run that was broken off.
    public var identity: String {
        let keys = ["seed", "precision", "model", "tokenizer", "data", "batch", "optimizer", "exits", "layer_dropout"]
        return SHA256.digest(keys.map { "\($0)=\(json.value[$0] ?? .null)" }.joined(separator: "\n"))
    }
}

extension TrainingConfiguration.Model {
    fileprivate init(_ node: JSONNode, _ path: (String) -> String) throws(FormatError) {
        try node.only("config", "checkpoint")
        checkpoint = try node.optionalString("checkpoint").map(path)
        switch node["config"] {
        case nil: configuration = nil
        case .some(let field):
            if case .string(let file) = field.value {
                configuration = try JSONNode(contentsOf: path(file))
            } else {
                _ = try field.object()
                configuration = field
            }
        }
        guard (configuration == nil) != (checkpoint == nil) else {
            throw node.expected("an object with config, to begin anew, or checkpoint, to train on, and not both")
        }
    }
}

extension TrainingConfiguration.Data {
    fileprivate init(_ node: JSONNode, _ path: (String) -> String) throws(FormatError) {
        try node.only("folder", "train", "validation")
        folder = path(try node.string("folder"))
        train = []
        for source in try node.array("train") { train.append(try .init(source, path)) }
        guard !train.isEmpty else { throw try node.node("train").expected("an array of at least one text") }
        validation = []
        for source in try node.optionalArray("validation") ?? [] { validation.append(try .init(source, path)) }
    }
}

extension TrainingConfiguration.Source {
    fileprivate init(_ node: JSONNode, _ path: (String) -> String) throws(FormatError) {
        try node.only("path", "separator", "weight")
        let separator = try node.optionalString("separator")
        if separator?.isEmpty ?? false { throw try node.node("separator").expected("a text that is not empty") }
        documents = Documents(path: path(try node.string("path")), separator: separator)
        weight = try node.number("weight", in: 1e-6...1e6, default: 1)
    }
}

extension TrainingConfiguration.Batch {
    fileprivate init(_ node: JSONNode) throws(FormatError) {
        try node.only("rows", "context", "accumulation")
        rows = try node.int("rows", in: 1...1 << 20, default: 2048)
        context = try node.int("context", in: 1...rows, default: min(rows, 256))
        accumulation = try node.int("accumulation", in: 1...65536, default: 1)
    }
}

extension TrainingConfiguration.Optimizer {
    fileprivate init(_ node: JSONNode) throws(FormatError) {
        try node.only(
            "kind", "rate", "decay", "beta1", "beta2", "epsilon", "momentum", "clip", "groups")
        kind = try node.choice("kind", default: .adamw)
        rate = try node.number("rate", in: 0...1e6, default: 1e-3)
        decay = try node.number("decay", in: 0...1e6, default: kind == .adamw ? 0.1 : 0)
        beta1 = try node.number("beta1", in: 0...0.9999999, default: 0.9)
        beta2 = try node.number("beta2", in: 0...0.9999999, default: 0.95)
        epsilon = try node.number("epsilon", in: 0...1, default: 1e-8)
        momentum = try node.number("momentum", in: 0...0.9999999, default: 0)
        clip = try node.number("clip", in: 1e-30...(.infinity), default: 1)
        groups = []
        for group in try node.optionalArray("groups") ?? [] { groups.append(try ParameterGroup(group)) }
    }
}

extension ParameterGroup {
    fileprivate init(_ node: JSONNode) throws(FormatError) {
        try node.only("match", "rate", "decay", "frozen")
        guard let match = Glob(try node.string("match")) else {
            throw try node.node("match").expected("a pattern of *, ? and {a,b} whose braces match")
        }
        self.init(
            match: match, rate: try node.number("rate", in: 0...1e6, default: 1),
            decay: node["decay"] == nil ? nil : try node.number("decay", in: 0...1e6, default: 0),
            isFrozen: try node.optionalBool("frozen") ?? false)
    }
}

extension Schedule {
    private enum Kind: String, CaseIterable { case constant, linear, cosine, steps }

    fileprivate init(_ node: JSONNode) throws(FormatError) {
        try node.only("kind", "warmup", "final", "at", "factor")
        let warmup = try node.int("warmup", in: 0...1_000_000_000, default: 0)
        let final = try node.number("final", in: 0...1, default: 0.1)
        let shape: Shape
        switch try node.choice("kind", default: Kind.cosine) {
        case .constant: shape = .constant
        case .linear: shape = .linear(final: final)
        case .cosine: shape = .cosine(final: final)
        case .steps:
            shape = .steps(
                at: try node.ints("at", in: 0...1_000_000_000) ?? [],
                factor: try node.number("factor", in: 0...1, default: 0.1))
        }
        self.init(shape, warmup: warmup)
    }
}

extension TrainingConfiguration.Exits {
    fileprivate init(_ node: JSONNode) throws(FormatError) {
        try node.only("rule", "depths", "scale", "period")
        rule = try node.choice("rule", default: .final)
        depths = try node.ints("depths", in: 1...4096)
        scale = try node.number("scale", in: 0...1e6, default: 1)
        period = node["period"] == nil ? nil : try node.int("period", in: 1...4096)
    }
}

extension LayerDropout {
    fileprivate init(_ node: JSONNode) throws(FormatError) {
        try node.only("maximum", "rises")
        self.init(
            maximum: try node.number("maximum", in: 0...0.99, default: 0.1),
            rises: try node.optionalBool("rises") ?? false)
    }
}

extension TrainingConfiguration.Evaluation {
    fileprivate init(_ node: JSONNode) throws(FormatError) {
        try node.only("every", "rows", "depths")
        every = try node.int("every", in: 1...1_000_000_000, default: 250)
        rows = try node.int("rows", in: 1...1_000_000_000, default: 20_000)
        depths = try node.ints("depths", in: 1...4096)
    }
}

extension TrainingConfiguration.Samples {
    fileprivate init(_ node: JSONNode) throws(FormatError) {
        try node.only("every", "prompt", "tokens", "temperature", "top_k")
        every = try node.int("every", in: 0...1_000_000_000, default: 0)
        prompt = try node.string("prompt", default: "")
        tokens = try node.int("tokens", in: 1...100_000, default: 100)
        sampling = Sampling(
            temperature: Float(try node.number("temperature", in: 0...100, default: 0.8)),
            topK: node["top_k"] == nil ? nil : try node.int("top_k", in: 1...1 << 24))
    }
}

extension TrainingConfiguration.Checkpoints {
    fileprivate init(_ node: JSONNode) throws(FormatError) {
        try node.only("every", "keep")
        every = try node.int("every", in: 1...1_000_000_000, default: 250)
        keep = try node.int("keep", in: 1...1_000_000, default: 3)
    }
}
