// The decoder layer that Llama, Mistral, Qwen 2 and Qwen 3 share (Touvron et al. 2023; modeling_llama.py and kin in
// transformers). The families differ in biases, windows and norms of queries and keys: see their files.

import DynamaxLayers
import DynamaxTensor

/// Attention and gated feed-forward, each after a norm and added to the residual stream.
struct LlamaLayer: DecoderLayer {
    let attentionNorm: RMSNorm
    /// Queries, keys and values stacked, [(heads + 2 * kvHeads) * headWidth, width].
    let queryKeyValue: Linear
    /// Qwen 3: norms over each head of queries and keys.
    let headNorms: (query: RMSNorm, key: RMSNorm)?
    let attentionOutput: Linear
    let mlpNorm: RMSNorm
    let mlp: GatedMLP
    let shape: AttentionShape

    func callAsFunction(_ hidden: Tensor, _ context: LayerContext) -> Tensor {
        let qkv = queryKeyValue(attentionNorm(hidden))  // [rows, queries | keys | values]
        let q = placed(qkv.columns(0..<kvOutputs.lowerBound), headNorms?.query, context)
        let (k, v) = keysAndValues(qkv, from: kvOutputs.lowerBound, context)
        let attended = Tensor.attention(  // [rows, heads * headWidth]
            queries: q, keys: k, values: v, over: context.batch.attend(context.layer), shape: shape,
            scale: 1 / Float(shape.headWidth).squareRoot())
        let middle = attentionOutput(attended, adding: hidden)
        return mlp(mlpNorm(middle), adding: middle)
    }

    func absorb(_ hidden: Tensor, _ context: LayerContext) {
        let kv = queryKeyValue(attentionNorm(hidden), outputs: kvOutputs)  // [rows, keys | values]
        let (k, v) = keysAndValues(kv, from: 0, context)
        Tensor.store(keys: k, values: v, in: context.batch.attend(context.layer), shape: shape)
    }

    /// Those of the stacked outputs that are keys and values.
    private var kvOutputs: Range<Int> {
        let queryWidth = shape.heads * shape.headWidth
        return queryWidth..<queryWidth + 2 * shape.kvWidth
    }

    /// What the cache keeps of the keys and values that have been projected to the columns from `start` on.
    private func keysAndValues(
        _ projected: Tensor, from start: Int, _ context: LayerContext
    ) -> (keys: Tensor, values: Tensor) {
        let middle = start + shape.kvWidth
        let k = placed(projected.columns(start..<middle), headNorms?.key, context)
        return (k, projected.columns(middle..<middle + shape.kvWidth))
    }

    /// Queries or keys, normed where the family does so, and rotated by their positions.
    private func placed(_ x: Tensor, _ norm: RMSNorm?, _ context: LayerContext) -> Tensor {
        let normed = norm.map { $0(x) } ?? x
        return context.angles.map { normed.rotated(headWidth: shape.headWidth, by: $0) } ?? normed
    }

    func makeState(history: Int, on device: Device) -> LayerState {
        .attention(KVCache(shape: shape, on: device))
    }

    var kind: LayerKind { .attention }

    var absorbCost: AbsorbCost {
        AbsorbCost(
            weights: queryKeyValue.cost(ofOutputs: kvOutputs), state: Cost(bytes: shape.positionBytes))
    }

    var weightCost: Cost { queryKeyValue.cost + attentionOutput.cost + mlp.cost }

    func stateCost(atPosition position: Int) -> Cost {
        let seen = min(position + 1, shape.window ?? .max)
        return Cost(bytes: seen * shape.positionBytes, multiplyAdds: seen * shape.heads * shape.headWidth * 2)
    }
}
