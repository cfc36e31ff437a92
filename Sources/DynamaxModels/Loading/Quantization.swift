import DynamaxTensor

/// Rounds weights to fewer bits, to the nearest value (no calibration).
///
/// Under `q4` token tables get 8 bits, also where they serve as the head: rounding them costs most. So do matrices of fewer than 128 inputs
/// where no group is asked for: in so short sums the errors of 4 bits do not cancel.
public struct Quantization: Hashable, Sendable {
    /// How weights are held.
    public enum Format: String, Sendable, CaseIterable {
        case q8, q4
        case bf16, f16, f32
    }

    /// How weights are held.
    public let format: Format
    /// Inputs that share a scale, a multiple of 8 up to 256; nil for the largest of 256, 128, 64 and 32 that divides a
    /// matrix's inputs, of 128, 64 and 32 under `q4`. It says nothing to the float formats.
    public let group: Int?

    /// Chooses a format, and a group where the choice for each matrix is not to be the usual one.
    public init(_ format: Format, group: Int? = nil) {
        precondition(group.map { PackedLayout.groups.contains($0) } ?? true, "unsupported group")
        (self.format, self.group) = (format, group)
    }

    public static let q8 = Quantization(.q8)
    public static let q4 = Quantization(.q4)
    public static let bf16 = Quantization(.bf16)
    public static let f16 = Quantization(.f16)
    public static let f32 = Quantization(.f32)

    /// With 8 bits a wider group costs next to no accuracy, and products by matrix instructions leave the tiles once a group.
    private var usualGroups: [Int] { format == .q4 ? [128, 64] : [256, 128, 64] }

    /// The packed format for a matrix of so many inputs.
    func format(inputs: Int) -> WeightFormat {
        let isShort = self.group == nil && inputs < 128
        let group = group ?? usualGroups.first { inputs % $0 == 0 } ?? 32
        return switch format {
        case .q4 where isShort: .int8(group: group)
        case .q8: .int8(group: group)
        case .q4: .int4(group: group)
        case .bf16: .bf16
        case .f16: .f16
        case .f32: .f32
        }
    }

    /// The packed format for a token table.
    func tableFormat(inputs: Int) -> WeightFormat {
        format == .q4 ? Quantization(.q8, group: group).format(inputs: inputs) : format(inputs: inputs)
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
