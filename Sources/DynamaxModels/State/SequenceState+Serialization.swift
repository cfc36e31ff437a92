import DynamaxFormats
import DynamaxTensor

// A state on its way: a safetensors file in memory, so that it can be looked at with ordinary tools.
//
//   layers.I.keys, .values          [positions, kvHeads, headWidth]   positions first ..< last of an attention layer, as the cache holds them
//   layers.I.scales                 [positions, kvHeads, 2]           those of keys and values, where the cache's format has scales
//   layers.I.memory                 [numbers]                         window and state of a recurrent layer
//   layers.I.checkpoint, .log       [numbers]                         what it needs to go back
//   layers.I.moved                  [positions]                       0 for a position since the checkpoint that was skipped
//   layers.I.pending                [rows, width]                     hidden rows that wait before the layer
//   readers.I                       [bytes]                           the state of what reads along before layer I
//
// Metadata: format, layers, length, first, last, kv_cache (the cache's format, where there is one), and the progress of each layer
// after this part.

extension SequenceState {
    private static let format = "dynamax-sequence-3"

    /// The whole state, or a part of it, as bytes.
    ///
    /// Attention layers give what they hold of `positions`. Recurrent states and waiting rows cannot be cut; they come with
    /// the part that reaches the end.
    ///
    /// - Parameter positions: all by default.
    public func serialize(positions: Range<Int>? = nil) throws(StateError) -> [UInt8] {
        let positions = positions ?? 0..<length
        guard positions.upperBound <= length else { throw .beyondEnd(position: positions.upperBound, end: length) }
        let isLast = positions.upperBound == length
        var metadata = [
            "format": SequenceState.format, "layers": String(layers.count), "length": String(length),
            "first": String(positions.lowerBound), "last": String(positions.upperBound),
        ]
        for (index, layer) in layers.enumerated() {
            metadata["layers.\(index).progress"] = String(min(layer.progress, positions.upperBound))
        }
        metadata["kv_cache"] = cacheFormat?.rawValue
        var writer = SafetensorsWriter(metadata: metadata)
        for (index, layer) in layers.enumerated() {
            switch layer {
            case .attention(let cache):
                let held = positions.clamped(to: 0..<max(cache.progress, 0))
                let rows = cache.rows(held)
                let (shape, type) = (cache.shape, cache.shape.cacheFormat.tensorType)
                let extents = [held.count, shape.kvHeads, shape.headWidth]
                writer.add("layers.\(index).keys", type: type, bytes: rows.keys, shape: extents)
                writer.add("layers.\(index).values", type: type, bytes: rows.values, shape: extents)
                if shape.cacheFormat.scales > 0 {
                    let extents = [held.count, shape.kvHeads, shape.cacheFormat.scales]
                    writer.add("layers.\(index).scales", rows.scales, shape: extents)
                }
            case .recurrence(let state) where isLast:
                let contents = state.contents
                writer.add("layers.\(index).memory", contents.memory, shape: [contents.memory.count])
                writer.add("layers.\(index).checkpoint", contents.checkpoint, shape: [contents.checkpoint.count])
                writer.add("layers.\(index).log", contents.log, shape: [contents.log.count])
                let moved = contents.moved.map { $0 ? UInt8(1) : 0 }
                writer.add("layers.\(index).moved", type: .u8, bytes: moved, shape: [moved.count])
            case .recurrence:
                break
            }
            let pending = pendingContents[index]
            if isLast, pending.count > 0 {
                writer.add("layers.\(index).pending", pending.contents, shape: [pending.count, width])
            }
        }
        if isLast {
            for (layer, reader) in readers.sorted(by: { $0.key < $1.key }) {
                let bytes = try reader.serialize()
                writer.add("readers.\(layer)", type: .u8, bytes: bytes, shape: [bytes.count])
            }
        }
        return writer.bytes()
    }

    /// Takes over a state that `serialize` wrote: the next part of it, or all.
    ///
    /// - Throws: `StateError` or `FormatError` when the part does not follow what is here, or belongs to another model. This
    ///   state is then of no further use.
    public func restore(_ bytes: [UInt8]) throws {
        let file = try SafetensorsFile(bytes, location: "the serialized state")
        let part = try Part(file, layers: layers.count, cacheFormat: cacheFormat)
        for (index, layer) in layers.enumerated() {
            let progress = try part.progress(ofLayer: index)
            switch layer {
            case .attention(let cache):
                guard cache.progress == min(part.first, progress) else {
                    throw StateError.malformed(
                        "layer \(index) stands at position \(cache.progress), the part begins at \(part.first)")
                }
                let rows = try SequenceState.rows(
                    file, layer: index, count: progress - cache.progress, of: cache.shape)
                if rows.count > 0 { cache.append(rows) }
            case .recurrence(let state) where part.isLast:
                try state.restore(
                    RecurrentState.Contents(
                        progress: progress, memory: file.require("layers.\(index).memory").floats(),
                        checkpoint: file.require("layers.\(index).checkpoint").floats(),
                        log: file.require("layers.\(index).log").floats(),
                        moved: file.require("layers.\(index).moved").integers().map { $0 != 0 }))
            case .recurrence:
                break
            }
        }
        guard part.isLast else { return }
        try restorePending(file)
        for (layer, reader) in readers {
            let stored = try file.require("readers.\(layer)")
            try reader.restore(withExtendedLifetime(stored) { Array(stored.bytes) })
        }
    }

    /// How attention layers hold keys and values; nil where there are none.
    private var cacheFormat: KVCacheFormat? {
        for case .attention(let cache) in layers { return cache.shape.cacheFormat }
        return nil
    }

    /// Keys and values of a layer.
    private static func rows(
        _ file: SafetensorsFile, layer: Int, count: Int, of shape: AttentionShape
    ) throws -> KVCache.Rows {
        var rows = KVCache.Rows(count: count, of: shape)
        func bytes(_ name: String) throws -> [UInt8] {
            let tensor = try file.require(
                "layers.\(layer).\(name)", shape: [count, shape.kvHeads, shape.headWidth])
            guard tensor.type == shape.cacheFormat.tensorType else {
                throw StateError.malformed(
                    "layers.\(layer).\(name) is \(tensor.type.rawValue), not \(shape.cacheFormat.tensorType.rawValue)")
            }
            return withExtendedLifetime(tensor) { Array(tensor.bytes) }
        }
        rows.keys = try bytes("keys")
        rows.values = try bytes("values")
        if shape.cacheFormat.scales > 0 {
            let extents = [count, shape.kvHeads, shape.cacheFormat.scales]
            rows.scales = try file.require("layers.\(layer).scales", shape: extents).floats()
        }
        return rows
    }

    private func restorePending(_ file: SafetensorsFile) throws {
        for index in layers.indices.dropFirst() {
            let waiting = layers[index - 1].progress - layers[index].progress
            guard waiting >= 0 else { throw StateError.malformed("layer \(index) is ahead of the one before it") }
            guard waiting > 0 else { continue }
            let rows = try file.require("layers.\(index).pending", shape: [waiting, width]).floats()
            pendingContents[index] = PendingRows(width: width, contents: rows)
        }
    }

    /// What the metadata of a part says.
    private struct Part {
        let metadata: [String: String]
        let first: Int
        let last: Int
        let isLast: Bool

        init(_ file: SafetensorsFile, layers: Int, cacheFormat: KVCacheFormat?) throws(StateError) {
            metadata = file.metadata
            guard metadata["format"] == SequenceState.format else {
                throw .malformed("it is not of the format \(SequenceState.format)")
            }
            guard metadata["layers"] == String(layers) else {
                throw .malformed("it has \(metadata["layers"] ?? "no") layers, the model has \(layers)")
            }
            guard metadata["kv_cache"] == cacheFormat?.rawValue else {
                let (theirs, ours) = (metadata["kv_cache"] ?? "no", cacheFormat?.rawValue ?? "no")
                throw .malformed("it has \(theirs) keys and values, the model has \(ours) ones")
            }
            guard let first = metadata["first"].flatMap(Int.init), let last = metadata["last"].flatMap(Int.init),
                let length = metadata["length"].flatMap(Int.init), 0 <= first, first <= last, last <= length
            else { throw .malformed("its positions are missing or out of order") }
            self.first = first
            self.last = last
            isLast = last == length
        }

        func progress(ofLayer layer: Int) throws(StateError) -> Int {
            guard let progress = metadata["layers.\(layer).progress"].flatMap(Int.init), (0...last).contains(progress)
            else { throw .malformed("the progress of layer \(layer) is missing or out of range") }
            return progress
        }
    }
}

extension KVCacheFormat {
    /// The type of the keys and values of a serialized state.
    var tensorType: TensorType {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        case .int8: .i8
        }
    }
}
