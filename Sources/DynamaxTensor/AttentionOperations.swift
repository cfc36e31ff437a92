package import CDynamax

// Attention over KV blocks. Layout and order of the sums: CDynamax.h, section "Attention".

/// The extents of attention that do not depend on the input.
public struct AttentionShape: Hashable, Sendable {
    /// Query heads.
    public let heads: Int
    /// Key and value heads; divides `heads`.
    public let kvHeads: Int
    /// Columns of one head.
    public let headWidth: Int
    /// Positions that a row sees, its own included; nil for all.
    public let window: Int?
    /// How keys and values are held.
    public let cacheFormat: KVCacheFormat

    /// Takes the number of query heads, a multiple of that of key and value heads.
    public init(heads: Int, kvHeads: Int, headWidth: Int, window: Int? = nil, cacheFormat: KVCacheFormat = .f32) {
        self.heads = heads
        self.kvHeads = kvHeads
        self.headWidth = headWidth
        self.window = window
        self.cacheFormat = cacheFormat
    }

    /// Columns of keys, and of values, for all heads.
    public var kvWidth: Int { kvHeads * headWidth }

    /// Bytes of one KV block of one layer.
    package var blockBytes: Int { kvHeads * Int(dx_kv_head_bytes(cacheFormat.kernelFormat, Int64(headWidth))) }

    /// Bytes that the cache of one layer holds of a position.
    public var positionBytes: Int { blockBytes / Int(DX_BLOCK) }
}

extension Tensor {
    /// Positions held by one KV block.
    package static var blockPositions: Int { Int(DX_BLOCK) }

    /// Causal attention: stores keys and values in the KV blocks of their sequences, and attends from each row of queries to the
    /// positions of its sequence up to its own.
    ///
    /// - Parameters:
    ///   - queries: [rows, heads * headWidth]
    ///   - keys: [rows, kvWidth]
    ///   - values: [rows, kvWidth]
    ///   - sequences: whose blocks exist for all positions written, and belong to them alone. Where gradients are wanted, they
    ///     begin with these rows.
    /// - Returns: [rows, heads * headWidth]
    package static func attention(
        queries: Tensor, keys: Tensor, values: Tensor, over sequences: UnsafeBufferPointer<dx_sequence>,
        shape: AttentionShape, scale: Float
    ) -> Tensor {
        store(keys: keys, values: values, in: sequences, shape: shape)
        let y = queries.attend(to: sequences, shape: shape, scale: scale)
        return y.recorded([queries, keys, values]) {
            .attention(
                .init(
                    queries: queries, keys: keys, values: values, sequences: sequences.freshRows, shape: shape,
                    scale: scale))
        }
    }

    /// Stores keys and values, each [rows, kvWidth], in the KV blocks of their sequences.
    package static func store(
        keys: Tensor, values: Tensor, in sequences: UnsafeBufferPointer<dx_sequence>, shape: AttentionShape
    ) {
        let arguments = dx_kv_write(
            sequences: sequences.baseAddress, count: Int64(sequences.count), format: shape.cacheFormat.kernelFormat,
            kv_heads: Int64(shape.kvHeads), width: Int64(shape.headWidth), keys: keys.pointer, values: values.pointer,
            key_stride: Int64(keys.rowStride), value_stride: Int64(values.rowStride))
        keys.device.run(
            keys.device.kernels.pointee.kv_write, arguments, units: shape.kvHeads, grain: max(1, 32 / keys.rows))
        extendLifetime(keys)
        extendLifetime(values)
    }

    private func attend(
        to sequences: UnsafeBufferPointer<dx_sequence>, shape: AttentionShape, scale: Float
    ) -> Tensor {
        let y = Tensor(uninitialized: Shape(rows: rows, columns: shape.heads * shape.headWidth), on: device)
        let tile = Int64(DX_ROW_TILE)
        let tiles = sequences.last.map { $0.tile + ($0.rows + tile - 1) / tile } ?? 0
        let arguments = dx_attention(
            sequences: sequences.baseAddress, count: Int64(sequences.count), tiles: tiles,
            format: shape.cacheFormat.kernelFormat, heads: Int64(shape.heads), kv_heads: Int64(shape.kvHeads),
            width: Int64(shape.headWidth),
            window: Int64(shape.window ?? 0), scale: scale, queries: pointer, query_stride: Int64(rowStride),
            y: y.mutablePointer, y_stride: Int64(y.rowStride))
        device.run(device.kernels.pointee.attention, arguments, units: shape.kvHeads * Int(tiles))
        extendLifetime(self)
        return y
    }
}

extension UnsafeBufferPointer<dx_sequence> {
    /// The rows of each sequence, all of which must begin with them: gradients do not reach into a past outside the batch.
    var freshRows: [Range<Int>] {
        map { sequence in
            precondition(sequence.position == 0, "gradients need whole sequences")
            return Int(sequence.row)..<Int(sequence.row + sequence.rows)
        }
    }
}
