public import DynamaxLayers
public import DynamaxTensor

/// One layer of a decoder: it adds to the rows what it makes of them and of their sequences' past.
public protocol DecoderLayer: Sendable {
    /// The state of an empty sequence in this layer.
    func makeState(history: Int, on device: Device) -> LayerState

    /// Maps hidden rows, [rows, width] -> [rows, width].
    func callAsFunction(_ hidden: Tensor, _ context: LayerContext) -> Tensor

    /// What the linear layers cost for one row.
    var weightCost: Cost { get }

    /// What reading and moving the state costs for one row, when its sequence has `position` positions before it.
    func stateCost(atPosition position: Int) -> Cost
}

/// Where a layer's rows come from.
public struct LayerContext {
    let batch: Batch
    let layer: Int
    /// The rotation of each row; nil in models without rotary embedding.
    let angles: RotaryAngles?
}

/// A decoder-only language model: embedding, layers, final norm and head. Each family fills it with its own layers.
public struct DecoderStack: LayerStack {
    let embedding: Embedding
    let layers: [any DecoderLayer]
    let norm: RMSNorm
    let output: Linear
    let rotary: RotaryEmbedding?
    public let width: Int
    public let device: Device

    public var layerCount: Int { layers.count }
    public var vocabularySize: Int { output.outputs }

    public func embed(_ tokens: [Token]) -> Tensor { embedding(tokens) }

    public func run(_ range: Range<Int>, _ hidden: Tensor, _ batch: Batch) -> Tensor {
        guard !range.isEmpty else { return hidden }
        precondition(hidden.rows == batch.rows && hidden.columns == width)
        let angles = rotary.map { $0.angles(of: batch.positions(atLayer: range.lowerBound), on: device) }
        var hidden = hidden
        for layer in range {
            hidden = layers[layer](hidden, LayerContext(batch: batch, layer: layer, angles: angles))
            batch.advance(layer)
        }
        return hidden
    }

    public func head(_ hidden: Tensor) -> Tensor { output(norm(hidden)) }

    public func makeState(history: Int) -> SequenceState {
        SequenceState(layers: layers.map { $0.makeState(history: history, on: device) }, width: width)
    }

    public func cost(ofLayer layer: Int, position: Int) -> Cost {
        layers[layer].weightCost + layers[layer].stateCost(atPosition: position)
    }

    public func weightCost(ofLayer layer: Int) -> Cost { layers[layer].weightCost }

    public var headCost: Cost { output.cost }
}
