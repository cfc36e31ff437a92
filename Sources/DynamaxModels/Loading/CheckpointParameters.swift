package import DynamaxFormats
import DynamaxTensor

/// The parameters in the tensors of a checkpoint.
package struct CheckpointParameters: ParameterSource {
    let tensors: any TensorSource
    /// The matrices that are packed already.
    let packed: PackedTensors?

    package init(_ tensors: any TensorSource) throws(FormatError) {
        self.tensors = tensors
        packed = try tensors.packedTensors()
    }

    package var location: String { tensors.location }

    package func has(_ name: String) -> Bool { packed?.tensor(name) != nil || (try? tensors.tensor(name)) != nil }

    package func matrix(_ name: String, rows: Int, columns: Int) throws -> StoredMatrix {
        if let matrix = packed?.tensor(name) {
            guard matrix.rows == rows, matrix.columns == columns else {
                throw FormatError(
                    .mismatch, location,
                    "the tensor \(name) has shape [\(matrix.rows), \(matrix.columns)], expected [\(rows), \(columns)]")
            }
            return StoredMatrix(
                rows: matrix, format: matrix.layout.format, packed: matrix, release: matrix.release)
        }
        let tensor = try tensors.require(name, shape: [rows, columns])
        return StoredMatrix(
            rows: try StoredRows(tensor), format: WeightFormat(nearest: tensor.type), release: tensor.release)
    }

    package func numbers(_ name: String, shape: [Int]) throws -> [Float] {
        try tensors.require(name, shape: shape).floats()
    }

    /// Checks that config.json and the weights say the same of how they are held.
    func requireAgreement(with config: JSONNode) throws(FormatError) {
        guard let field = config["quantization_config"] else {
            guard packed == nil else {
                throw FormatError(
                    .missing, config.location,
                    "the field quantization_config is missing: \(location) holds packed weights")
            }
            return
        }
        let method = try field.node("quant_method")
        guard try method.string() == PackedTensors.formatName else {
            throw FormatError(
                .unsupported, config.location,
                "the weights are quantized by \(try method.string()), which Dynamax cannot read; only dynamax is known")
        }
        guard let packed else {
            throw FormatError(
                .mismatch, location, "the weights must be packed in the format dynamax, as \(config.location) says")
        }
        for (key, value) in [
            ("version", PackedTensors.version), ("bits", packed.bits), ("group_size", packed.group),
        ] {
            let stated = try field.node(key)
            guard try stated.int() == value else { throw stated.expected("\(value), as in \(location)") }
        }
    }
}

/// The rows of a tensor that is known to hold floating-point numbers.
private struct StoredRows: RowSource {
    let tensor: RawTensor

    init(_ tensor: RawTensor) throws(FormatError) {
        self.tensor = tensor
        // One row is read now, so that a type that cannot be read is refused here and not in the middle of a run.
        var row = [Float](repeating: 0, count: tensor.columns)
        try tensor.copyRows(0..<min(1, tensor.rowCount), to: &row)
    }

    var rows: Int { tensor.rowCount }
    var columns: Int { tensor.columns }

    func copyRows(_ range: Range<Int>, to numbers: UnsafeMutablePointer<Float>) {
        do {
            try tensor.copyRows(range, to: numbers)
        } catch {
            preconditionFailure("the type was checked when the tensor was opened: \(error)")
        }
    }
}

extension WeightFormat {
    /// The packed format that holds numbers of a stored type best: exactly, for all but the K types.
    init(nearest type: TensorType) {
        switch type {
        case .f16: self = .f16
        case .bf16: self = .bf16
        case .q4_0: self = .int4(group: 32)
        case .q8_0, .q4_1, .q5_0, .q5_1, .q2K, .q3K, .q4K, .q5K, .q6K: self = .int8(group: 32)
        default: self = .f32
        }
    }
}
