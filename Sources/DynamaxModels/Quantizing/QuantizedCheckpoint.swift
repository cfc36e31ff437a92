public import DynamaxFormats
public import DynamaxTensor

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A copy of a model whose matrices are held in 8 or 4 bits, as they are multiplied (see `PackedTensors`).
///
/// Loading the copy gives the weights that loading the model with the same `Quantization` gives, to the bit.
public struct QuantizedCheckpoint: Sendable {
    /// Parameters of the model.
    public let parameters: Int
    /// Bytes of all its tensors.
    public let bytes: Int

    /// Rounds a model and writes the copy as a folder in Hugging Face layout.
    ///
    /// - Parameters:
    ///   - files: the model, in Hugging Face layout.
    ///   - quantization: `q8` or `q4`.
    ///   - folder: where the copy goes, as a whole or not at all.
    ///   - force: whether a model that is there may be replaced.
    ///   - device: rounds.
    /// - Throws: `FormatError` where the model cannot be used or the copy not be written.
    public init(
        _ files: CheckpointFiles, _ quantization: Quantization, to folder: String, force: Bool = false,
        on device: Device
    ) throws {
        guard files.gguf == nil else {
            throw FormatError(.mismatch, files.name, "expected a model in Hugging Face layout, found a GGUF file")
        }
        let config = try files.requireConfig().object()
        var (parameters, bytes) = (0, 0)
        try FolderOutput.write(folder, force: force) { part in
            let collected = PackedParameters()
            _ = try LanguageModel(packing: files, quantization, into: collected, on: device)
            let packed = try QuantizedCheckpoint.packed(collected, files.name)
            let plain = try QuantizedCheckpoint.plain(collected, files.tensors())

            var writer = SafetensorsWriter(
                metadata: PackedTensors.metadata(packed.map { ($0.name, $0.layout) }), order: .asAdded)
            for matrix in packed { matrix.addWeights(to: &writer) }
            for matrix in packed { matrix.addScales(to: &writer) }
            for tensor in plain {
                writer.add(tensor.name, type: tensor.type, shape: tensor.shape, bytes: tensor.bytes.count) {
                    withExtendedLifetime(tensor) { Array(tensor.bytes) }
                }
            }
            try writer.write(to: "\(part)/model.safetensors")
            try QuantizedCheckpoint.write(config, packed.map(\.layout.format), to: part)
            for path in files.companions { try QuantizedCheckpoint.copy(path, to: part) }
            for matrix in packed {
                parameters += matrix.layout.outputs * matrix.layout.inputs
                bytes += matrix.layout.weightBytes + matrix.layout.scaleBytes
            }
            for tensor in plain {
                parameters += tensor.count
                bytes += tensor.bytes.count
            }
            if files.file("README.md") == nil {
                let name = files.name.split(separator: "/").last.map(String.init) ?? files.name
                let card = ModelCard(
                    name: name, summary: try ModelSummary(files), quantization: quantization, parameters: parameters,
                    bytes: bytes)
                try FileOutput.replace("\(part)/README.md", with: Array(card.text.utf8))
            }
        }
        (self.parameters, self.bytes) = (parameters, bytes)
    }

    /// A matrix of the copy: some rows of one that the model multiplies by.
    private struct Matrix {
        let name: String
        let layout: PackedLayout
        let whole: PackedMatrix
        let rows: Range<Int>

        func addWeights(to writer: inout SafetensorsWriter) {
            writer.add(
                name + PackedTensor.endings.weights, type: .u8, shape: layout.weightsShape, bytes: layout.weightBytes
            ) { [whole, rows] in whole.packed(rows)?.weights ?? [] }
        }

        func addScales(to writer: inout SafetensorsWriter) {
            writer.add(
                name + PackedTensor.endings.scales, type: .f32, shape: layout.scalesShape, bytes: layout.scaleBytes
            ) { [whole, rows] in whole.packed(rows)?.scales ?? [] }
        }
    }

    private static func packed(_ collected: PackedParameters, _ name: String) throws(FormatError) -> [Matrix] {
        var matrices: [Matrix] = []
        for stack in collected.stacks {
            let first = stack.parameters[0].name
            guard stack.matrix.isFinite else {
                throw FormatError(.mismatch, name, "the tensor \(first) holds what is no number (NaN or infinity)")
            }
            var start = 0
            for (name, rows) in stack.parameters {
                guard
                    let layout = PackedLayout(outputs: rows, inputs: stack.matrix.inputs, format: stack.matrix.format)
                else {
                    throw FormatError(.unsupported, name, "the tensor \(name) cannot be held as \(stack.matrix.format)")
                }
                matrices.append(
                    Matrix(name: name, layout: layout, whole: stack.matrix, rows: start..<start + rows))
                start += rows
            }
        }
        return matrices
    }

    /// The tensors that stay as they are, by falling size of their elements, so that each is aligned.
    private static func plain(
        _ collected: PackedParameters, _ tensors: any TensorSource
    ) throws(FormatError) -> [RawTensor] {
        var plain: [RawTensor] = []
        for name in collected.plain { plain.append(try tensors.require(name)) }
        return plain.enumerated().sorted {
            ($1.element.type.blockBytes, $0.offset) < ($0.element.type.blockBytes, $1.offset)
        }.map(\.element)
    }

    private static func write(
        _ config: JSONObject, _ formats: [WeightFormat], to folder: String
    ) throws(FormatError) {
        var config = config
        config.set(
            "quantization_config",
            [
                "quant_method": .string(PackedTensors.formatName), "version": .integer(PackedTensors.version),
                "bits": .integer(formats.map(\.bits).min() ?? 0),
                "group_size": .integer(formats.map(\.group).max() ?? 0),
            ])
        try FileOutput.replace("\(folder)/config.json", with: Array("\(JSON.object(config))\n".utf8))
    }

    private static func copy(_ path: String, to folder: String) throws(FormatError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw FormatError(.inaccessible, path, "the file cannot be read")
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        try FileOutput.replace("\(folder)/\(name)", with: Array(data))
    }
}
