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
        let queryWidth = shape.heads * shape.headWidth
        let qkv = queryKeyValue(attentionNorm(hidden))  // [rows, queries | keys | values]
        var q = qkv.columns(0..<queryWidth)
        var k = qkv.columns(queryWidth..<queryWidth + shape.kvWidth)
        let v = qkv.columns(queryWidth + shape.kvWidth..<queryWidth + 2 * shape.kvWidth)
        if let headNorms {
            q = headNorms.query(q)
            k = headNorms.key(k)
        }
        if let angles = context.angles {
            q = q.rotated(headWidth: shape.headWidth, by: angles)
            k = k.rotated(headWidth: shape.headWidth, by: angles)
        }
        let attended = Tensor.attention(  // [rows, heads * headWidth]
            queries: q, keys: k, values: v, over: context.batch.attend(context.layer), shape: shape,
            scale: 1 / Float(shape.headWidth).squareRoot())
        let middle = attentionOutput(attended, adding: hidden)
        return mlp(mlpNorm(middle), adding: middle)
    }

    func makeState(history: Int, on device: Device) -> LayerState {
        .attention(KVCache(shape: shape, on: device))
    }

    var weightCost: Cost { queryKeyValue.cost + attentionOutput.cost + mlp.cost }

    func stateCost(atPosition position: Int) -> Cost {
        let seen = min(position + 1, shape.window ?? .max)
        return Cost(bytes: seen * shape.kvWidth * 2 * 4, multiplyAdds: seen * shape.heads * shape.headWidth * 2)
    }
}
