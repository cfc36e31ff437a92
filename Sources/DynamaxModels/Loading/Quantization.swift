import DynamaxTensor

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
