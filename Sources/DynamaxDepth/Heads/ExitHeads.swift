public import DynamaxFormats
public import DynamaxModels
public import DynamaxTensor

/// The heads of all exits of a model: a side file of the checkpoint, which stays as it is.
///
/// The file is a safetensors file with `exits.LAYER.…` for each exit; its metadata says what kind of heads they are and which
/// model they belong to.
public struct ExitHeads: Sendable {
    /// What is known about the heads, beside their parameters.
    public struct Manifest: Hashable, Sendable {
        /// Digest of the model that they read (`CheckpointFiles.fingerprint`).
        public var model: String
        /// Width of the model's rows.
        public var width: Int
        public var kind: HeadKind
        /// Layers after which they judge, ascending.
        public var layers: [Int]

        /// Takes what is known.
        public init(model: String, width: Int, kind: HeadKind, layers: [Int]) {
            (self.model, self.width, self.kind, self.layers) = (model, width, kind, layers)
        }
    }

    public let manifest: Manifest
    /// By the layer after which they judge.
    public let heads: [Int: any ExitHead]
    /// Layers after which a head reads every row, for it remembers them.
    let readingLayers: [Int]

    private static let format = "dynamax-heads-1"

    /// Reads heads, for inference.
    ///
    /// - Throws: `FormatError` where the file is damaged.
    public init(contentsOf path: String, on device: Device) throws {
        let file = try SafetensorsFile(path)
        guard file.metadata["format"] == ExitHeads.format, let text = file.metadata["heads"] else {
            throw FormatError(.mismatch, path, "expected exit heads in the format \(ExitHeads.format)")
        }
        let json = try JSONNode(JSON(parsing: text, name: path), location: path)
        let layers = try json.array("layers").map { node throws(FormatError) in try node.int() }
        guard !layers.isEmpty, layers.allSatisfy({ $0 > 0 }), zip(layers, layers.dropFirst()).allSatisfy(<) else {
            throw try json.node("layers").expected("rising numbers of layers")
        }
        let manifest = Manifest(
            model: try json.string("model"), width: try json.int("model_width"), kind: try HeadKind(json),
            layers: layers)
        guard (1...1 << 20).contains(manifest.width) else {
            throw try json.node("model_width").expected("1 to 1048576")
        }
        try self.init(
            manifest,
            Parameters(source: CheckpointParameters(file), device: device, purpose: .inference(nil)))
    }

    /// Makes heads that learn from the beginning.
    ///
    /// - Parameter parameters: receives all that can learn.
    public init(learning manifest: Manifest, seed: UInt64, parameters: TrainableParameters, on device: Device) throws {
        try self.init(
            manifest,
            Parameters(
                source: InitialParameters(seed: seed, layers: 1), device: device, purpose: .learning(parameters)))
    }

    private init(_ manifest: Manifest, _ parameters: Parameters) throws {
        var heads: [Int: any ExitHead] = [:]
        for layer in manifest.layers {
            heads[layer] = try manifest.kind.load(width: manifest.width, parameters.scoped("exits.\(layer)"))
        }
        self.init(manifest, heads)
    }

    private init(_ manifest: Manifest, _ heads: [Int: any ExitHead]) {
        self.manifest = manifest
        self.heads = heads
        readingLayers = heads.filter(\.value.hasMemory).keys.sorted()
    }

    /// Whether states of the model need those of heads that remember beside them.
    public var remember: Bool { !readingLayers.isEmpty }

    /// The heads of some of the exits.
    func only(_ layers: [Int]) -> ExitHeads {
        ExitHeads(manifest, heads.filter { layers.contains($0.key) })
    }

    /// Writes heads that have learned.
    ///
    /// - Parameters:
    ///   - parameters: those that these heads were made with.
    ///   - notes: further facts for the file's metadata, such as how they were trained.
    public func write(
        _ parameters: TrainableParameters, to path: String, notes: [String: String] = [:]
    ) throws(FormatError) {
        guard var json = try? JSONNode(manifest.kind.json, location: path).object() else {
            preconditionFailure("a kind of heads is an object")
        }
        json.set("model", .string(manifest.model))
        json.set("model_width", .integer(manifest.width))
        json.set("layers", .array(manifest.layers.map { .integer($0) }))
        var metadata = notes
        metadata["format"] = ExitHeads.format
        metadata["heads"] = "\(JSON.object(json))"
        var writer = SafetensorsWriter(metadata: metadata)
        for entry in parameters.entries {
            for (name, numbers, shape) in entry.stored(entry.tensor) { writer.add(name, numbers, shape: shape) }
        }
        try writer.write(to: path)
    }

    /// Refuses a model that the heads were not made for.
    ///
    /// - Parameters:
    ///   - fingerprint: of the model.
    ///   - path: of the heads, for the error.
    public func check(
        fingerprint: String, _ stack: any LayerStack, path: String
    ) throws(FormatError) {
        guard fingerprint == manifest.model, stack.width == manifest.width,
            manifest.layers.allSatisfy({ $0 <= stack.layerCount })
        else {
            throw FormatError(
                .mismatch, path,
                "the heads belong to another model, whose digest begins \(manifest.model.prefix(12)); "
                    + "this one's begins \(fingerprint.prefix(12))")
        }
    }

    /// Attaches the states of heads with a memory to an empty state of the model.
    func attach(to state: SequenceState, history: Int) {
        for (layer, head) in heads {
            if let own = head.makeState(history: history) { state.attach(own, beforeLayer: layer) }
        }
    }

    /// What a head says of rows.
    struct Verdict {
        /// [rows, 1]
        let scores: Tensor
        /// [rows, vocabulary], where the head reads them.
        let logits: Tensor?
    }

    /// Shows rows that have just left `layer` to the head there, which reads them into its memory; nil where there is no head.
    func read(
        _ rows: Tensor, after layer: Int, of stack: any LayerStack, _ state: SequenceState, _ ledger: inout Ledger
    ) -> Verdict? {
        guard let head = heads[layer] else { return nil }
        ledger.addExitHead(head.cost, rows: rows.rows)
        var context = ExitHeadContext(batch: state.readers[layer].map { Batch($0, rows: rows.rows) })
        if head.readsLogits {
            ledger.addHead(of: stack, rows: rows.rows)
            context.logits = stack.head(head.translate(rows))
        }
        return Verdict(scores: head(rows, context), logits: context.logits)
    }
}
