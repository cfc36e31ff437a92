import CDynamax

/// Sequences as the gradient kernels see them: their rows, without a past.
func withFreshSequences<Result>(
    _ rows: [Range<Int>], _ body: (UnsafeBufferPointer<dx_sequence>) -> Result
) -> Result {
    let sequences = rows.map { range in
        var sequence = dx_sequence()
        sequence.row = Int64(range.lowerBound)
        sequence.rows = Int64(range.count)
        return sequence
    }
    return sequences.withUnsafeBufferPointer(body)
}

extension Operation.AttentionOperands {
    /// With respect to queries, keys and values, from the result and its gradient.
    func gradients(_ y: Tensor, _ dy: Tensor) -> (queries: Tensor, keys: Tensor, values: Tensor) {
        let device = queries.device
        let dqueries = Tensor(uninitialized: queries.shape, on: device)
        let dkeys = Tensor(uninitialized: keys.shape, on: device)
        let dvalues = Tensor(uninitialized: values.shape, on: device)
        withFreshSequences(sequences) { sequences in
            let arguments = dx_attention_gradient(
                sequences: sequences.baseAddress, count: Int64(sequences.count), heads: Int64(shape.heads),
                kv_heads: Int64(shape.kvHeads), width: Int64(shape.headWidth), window: Int64(shape.window ?? 0),
                scale: scale, queries: queries.pointer, keys: keys.pointer, values: values.pointer, y: y.pointer,
                dy: dy.pointer, query_stride: Int64(queries.rowStride), key_stride: Int64(keys.rowStride),
                value_stride: Int64(values.rowStride), y_stride: Int64(y.rowStride), dy_stride: Int64(dy.rowStride),
                dqueries: dqueries.mutablePointer, dkeys: dkeys.mutablePointer, dvalues: dvalues.mutablePointer,
                dquery_stride: Int64(dqueries.rowStride), dkey_stride: Int64(dkeys.rowStride),
                dvalue_stride: Int64(dvalues.rowStride))
            device.run(
                device.gradientKernels.pointee.attention, arguments, units: sequences.count * shape.kvHeads)
        }
        extendLifetime(self)
        extendLifetime(y)
        extendLifetime(dy)
        return (dqueries, dkeys, dvalues)
    }
}
