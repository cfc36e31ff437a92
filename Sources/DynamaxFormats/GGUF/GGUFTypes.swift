/// The types of metadata values, numbered as the format numbers them.
public enum GGUFValueType: UInt32, Sendable {
    case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

    /// Bytes of one value, or nil for strings and arrays, whose values differ in size.
    var size: Int? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .string, .array: nil
        }
    }

    var isInteger: Bool {
        switch self {
        case .float32, .float64, .bool, .string, .array: false
        default: true
        }
    }
}

extension TensorType {
    /// The types that Dynamax reads from GGUF files.
    private static let gguf: [(number: UInt32, type: TensorType)] = [
        (0, .f32), (1, .f16), (2, .q4_0), (3, .q4_1), (6, .q5_0), (7, .q5_1), (8, .q8_0), (10, .q2K), (11, .q3K),
        (12, .q4K), (13, .q5K), (14, .q6K), (24, .i8), (25, .i16), (26, .i32), (27, .i64), (28, .f64), (30, .bf16),
    ]

    init?(ggufNumber: UInt32) {
        guard let entry = TensorType.gguf.first(where: { $0.number == ggufNumber }) else { return nil }
        self = entry.type
    }

    var ggufNumber: UInt32? { TensorType.gguf.first { $0.type == self }?.number }

    /// The name of a type that GGUF files may hold and Dynamax does not read.
    static func nameOfUnsupported(ggufNumber: UInt32) -> String {
        let names: [UInt32: String] = [
            4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
            20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 31: "Q4_0_4_4", 32: "Q4_0_4_8",
            33: "Q4_0_8_8", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4", 41: "Q1_0",
        ]
        return names[ggufNumber] ?? "ggml type \(ggufNumber)"
    }
}
