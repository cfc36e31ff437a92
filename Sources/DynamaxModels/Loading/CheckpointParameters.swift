import DynamaxFormats
import DynamaxTensor

/// The parameters in the tensors of a checkpoint.
struct CheckpointParameters: ParameterSource {
    let tensors: any TensorSource

    var location: String { tensors.location }

    func has(_ name: String) -> Bool { (try? tensors.tensor(name)) != nil }

    func matrix(_ name: String, rows: Int, columns: Int) throws -> StoredMatrix {
        let tensor = try tensors.require(name, shape: [rows, columns])
        return StoredMatrix(
            rows: try StoredRows(tensor), format: WeightFormat(nearest: tensor.type), release: tensor.release)
    }

    func numbers(_ name: String, shape: [Int]) throws -> [Float] {
        try tensors.require(name, shape: shape).floats()
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
