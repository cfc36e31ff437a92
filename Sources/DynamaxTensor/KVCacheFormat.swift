package import CDynamax

/// How a KV cache holds keys and values. Layouts: CDynamax.h, section "Attention".
public enum KVCacheFormat: String, Hashable, Sendable, CaseIterable {
    /// As they are computed.
    case f32
    /// Rounded to bf16, as are queries and the weights of values where they meet them.
    case bf16
    /// Rounded to 8 bits, with a scale for each position and head, one for its keys and one for its values; products as in bf16.
    case int8

    package var kernelFormat: dx_format {
        switch self {
        case .f32: DX_F32
        case .bf16: DX_BF16
        case .int8: DX_INT8
        }
    }

    /// Bytes of a number, scales not counted.
    package var elementBytes: Int {
        switch self {
        case .f32: 4
        case .bf16: 2
        case .int8: 1
        }
    }

    /// Scales of a position and head: of keys, and of values.
    package var scales: Int { self == .int8 ? 2 : 0 }
}
