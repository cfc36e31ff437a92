import DynamaxLayers
import DynamaxTensor

/// Where parameters come from: a checkpoint, or random numbers.
protocol ParameterSource: Sendable {
    /// What to name in errors.
    var location: String { get }

    /// Whether a parameter is there.
    func has(_ name: String) -> Bool

    /// A matrix [rows, columns] whose rows are read on demand, with the format that holds its numbers best.
    func matrix(_ name: String, rows: Int, columns: Int) throws -> StoredMatrix

    /// All numbers of a small parameter, row-major.
    func numbers(_ name: String, shape: [Int]) throws -> [Float]
}

/// A matrix in its source.
struct StoredMatrix: Sendable {
    let rows: any RowSource
    /// The packed format nearest to how it is stored.
    let format: WeightFormat
    /// Lets go of memory that reading it has filled.
    let release: @Sendable () -> Void
}

/// Loads layers by the names that the checkpoint gives their parameters.
struct Parameters {
    let source: any ParameterSource
    let device: Device
    /// How weights are to be held; nil for the format nearest to how they are stored.
    let quantization: Quantization?
    /// Precedes all names, with its dot.
    var scope = ""

    /// The parameters below a name.
    func scoped(_ name: String) -> Parameters {
        var parameters = self
        parameters.scope += name + "."
        return parameters
    }

    func has(_ name: String) -> Bool { source.has(scope + name) }

    func numbers(_ name: String, _ shape: [Int]) throws -> [Float] {
        try source.numbers(scope + name, shape: shape)
    }

    func vector(_ name: String, _ count: Int) throws -> Tensor {
        Tensor(try numbers(name, [count]), [count], on: device)
    }

    func norm(_ name: String, _ width: Int, epsilon: Float, group: Int? = nil) throws -> RMSNorm {
        RMSNorm(weight: try vector(name + ".weight", width), epsilon: epsilon, group: group)
    }

    func embedding(_ name: String, count: Int, width: Int) throws -> Embedding {
        Embedding(table: try source.matrix(scope + name + ".weight", rows: count, columns: width).rows, on: device)
    }

    /// A linear layer whose outputs are those of several named ones, one after the other.
    ///
    /// - Parameter bias: whether the layers have a bias, in the parameter `.bias`.
    func linear(_ layers: [(name: String, outputs: Int)], inputs: Int, bias: Bool) throws -> Linear {
        let stored = try layers.map {
            try source.matrix(scope + $0.name + ".weight", rows: $0.outputs, columns: inputs)
        }
        let kept = WeightFormat.common(stored.map(\.format))
        let format = quantization?.format(inputs: inputs) ?? kept
        let total = layers.reduce(0) { $0 + $1.outputs }
        var unreleased = 0
        let weights = PackedMatrix(outputs: total, inputs: inputs, format: format, on: device) { rows, numbers in
            var start = 0
            for matrix in stored {
                let end = start + matrix.rows.rows
                let wanted = rows.clamped(to: start..<end)
                if !wanted.isEmpty {
                    matrix.rows.copyRows(
                        wanted.lowerBound - start..<wanted.upperBound - start,
                        to: numbers + (wanted.lowerBound - rows.lowerBound) * inputs)
                }
                start = end
            }
            // Not only at the end: the largest matrix would be in memory twice for a moment.
            unreleased += rows.count * inputs
            if unreleased > 1 << 22 {
                for matrix in stored { matrix.release() }
                unreleased = 0
            }
        }
        for matrix in stored { matrix.release() }
        guard bias else { return Linear(weights: weights) }
        let numbers = try layers.flatMap { try self.numbers($0.name + ".bias", [$0.outputs]) }
        return Linear(weights: weights, bias: Tensor(numbers, [total], on: device))
    }

    func linear(_ name: String, outputs: Int, inputs: Int, bias: Bool) throws -> Linear {
        try linear([(name, outputs)], inputs: inputs, bias: bias)
    }
}

/// Rounds weights to fewer bits while they are loaded, to the nearest value (no calibration).
public enum Quantization: String, Sendable, CaseIterable {
    case q8, q4
    case bf16, f16, f32

    /// The packed format for a matrix of so many inputs: the largest group of 128, 64 or 32 that divides them.
    func format(inputs: Int) -> WeightFormat {
        let group = [128, 64].first { inputs % $0 == 0 } ?? 32
        return switch self {
        case .q8: .int8(group: group)
        case .q4: .int4(group: group)
        case .bf16: .bf16
        case .f16: .f16
        case .f32: .f32
        }
    }
}

extension WeightFormat {
    /// A format that holds matrices of all these formats without loss that matters.
    static func common(_ formats: [WeightFormat]) -> WeightFormat {
        guard let first = formats.first, formats.contains(where: { $0 != first }) else { return formats.first ?? .f32 }
        let integers = formats.allSatisfy { $0.group > 1 }
        return integers ? .int8(group: formats.map(\.group).min() ?? 32) : .f32
    }
}
