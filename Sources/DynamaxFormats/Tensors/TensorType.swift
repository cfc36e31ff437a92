public import DynamaxTensor

// swift-format-ignore: AlwaysUseLowerCamelCase
/// How a checkpoint stores the numbers of a tensor: one by one, or in blocks that share scales.
///
/// The raw value is the name that safetensors, respectively GGUF, gives it.
public enum TensorType: String, Sendable, CaseIterable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case f8E4M3 = "F8_E4M3"
    case f8E5M2 = "F8_E5M2"
    case f8E8M0 = "F8_E8M0"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u64 = "U64"
    case u32 = "U32"
    case u16 = "U16"
    case u8 = "U8"
    case bool = "BOOL"
    case q4_0 = "Q4_0"
    case q4_1 = "Q4_1"
    case q5_0 = "Q5_0"
    case q5_1 = "Q5_1"
    case q8_0 = "Q8_0"
    case q2K = "Q2_K"
    case q3K = "Q3_K"
    case q4K = "Q4_K"
    case q5K = "Q5_K"
    case q6K = "Q6_K"

    /// Makes the type of plain numbers.
    public init(_ type: DataType) {
        switch type {
        case .f64: self = .f64
        case .f32: self = .f32
        case .f16: self = .f16
        case .bf16: self = .bf16
        case .i64: self = .i64
        case .i32: self = .i32
        case .i16: self = .i16
        case .i8: self = .i8
        case .u8: self = .u8
        case .bool: self = .bool
        }
    }

    /// Elements in one block, along the innermost axis; 1 for plain numbers.
    public var blockElements: Int {
        switch self {
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
        case .q2K, .q3K, .q4K, .q5K, .q6K: 256
        default: 1
        }
    }

    /// Bytes of one block; of one element for plain numbers.
    public var blockBytes: Int {
        switch self {
        case .f64, .i64, .u64: 8
        case .f32, .i32, .u32: 4
        case .f16, .bf16, .i16, .u16: 2
        case .f8E4M3, .f8E5M2, .f8E8M0, .i8, .u8, .bool: 1
        case .q4_0: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        case .q2K: 84
        case .q3K: 110
        case .q4K: 144
        case .q5K: 176
        case .q6K: 210
        }
    }

    /// Whether elements are whole numbers (or booleans).
    public var isInteger: Bool {
        switch self {
        case .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8, .bool: true
        default: false
        }
    }

    /// Bytes of a tensor of this type, or nil where rows are not whole blocks or a product overflows.
    ///
    /// - Parameter shape: outermost extent first, none negative.
    func bytes(of shape: [Int]) -> Int? {
        guard (shape.last ?? 1) % blockElements == 0 else { return nil }
        // Counting zeros as ones leaves no product of extents, in elements or bytes, that could overflow later.
        var count = 1
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: max(extent, 1))
            guard !overflow else { return nil }
            count = product
        }
        let (bytes, overflow) = max(count / blockElements, 1).multipliedReportingOverflow(by: blockBytes)
        return overflow ? nil : shape.contains(0) ? 0 : bytes
    }
}
