public import DynamaxLayers
public import DynamaxTensor

/// One layer of a decoder: it adds to the rows what it makes of them and of their sequences' past.
public protocol DecoderLayer: Sendable {
    /// The state of an empty sequence in this layer.
    func makeState(history: Int, on device: Device) -> LayerState

    /// Maps hidden rows, [rows, width] -> [rows, width].
    func callAsFunction(_ hidden: Tensor, _ context: LayerContext) -> Tensor

    /// Moves the state as the call does, to the bit, without computing what would come out.
    func absorb(_ hidden: Tensor, _ context: LayerContext)

    /// What it keeps of the past.
    var kind: LayerKind { get }

    /// What the linear layers cost for one row.
    var weightCost: Cost { get }

    /// What reading and moving the state costs for one row, when its sequence has `position` positions before it.
    func stateCost(atPosition position: Int) -> Cost

    /// What one row costs in `absorb`.
    var absorbCost: AbsorbCost { get }
}

/// Where a layer's rows come from.
public struct LayerContext {
    let batch: Batch
    let layer: Int
    /// The rotation of each row; nil in models without rotary embedding.
    let angles: RotaryAngles?
}

/// A decoder-only language model: embedding, layers, final norm and head. Each family fills it with its own layers.
public final class DecoderStack: LayerStack {
    let embedding: Embedding
    let layers: [any DecoderLayer]
    let norm: RMSNorm
    let output: Linear
    let rotary: RotaryEmbedding?
    public let width: Int
    public let device: Device
    /// What the weights of each layer cost; ledgers ask at every step.
    private let weightCosts: [Cost]

    init(
        embedding: Embedding, layers: [any DecoderLayer], norm: RMSNorm, output: Linear, rotary: RotaryEmbedding?,
        width: Int, device: Device
    ) {
        (self.embedding, self.layers, self.norm, self.output) = (embedding, layers, norm, output)
        (self.rotary, self.width, self.device) = (rotary, width, device)
        weightCosts = layers.map(\.weightCost)
    }

    public var layerCount: Int { layers.count }
    public var vocabularySize: Int { output.outputs }

    public func embed(_ tokens: Span<Token>) -> Tensor { embedding(tokens) }

    public func run(_ range: Range<Int>, _ hidden: Tensor, _ batch: Batch) -> Tensor {
        var hidden = hidden
        visit(range, hidden, batch) { hidden = $0(hidden, $1) }
        return hidden
    }

    public func absorb(_ range: Range<Int>, _ hidden: Tensor, _ batch: Batch) {
        visit(range, hidden, batch) { $0.absorb(hidden, $1) }
    }

    /// Goes through layers that rows move on by.
    private func visit(
        _ range: Range<Int>, _ hidden: Tensor, _ batch: Batch, _ body: (any DecoderLayer, LayerContext) -> Void
    ) {
        guard !range.isEmpty else { return }
        precondition(hidden.rows == batch.rows && hidden.columns == width)
        let angles = rotary.map { rotary in
            batch.withPositions(atLayer: range.lowerBound) { rotary.angles(of: $0, on: device) }
        }
        for layer in range {
            body(layers[layer], LayerContext(batch: batch, layer: layer, angles: angles))
            batch.advance(layer)
        }
    }

    public func head(_ hidden: Tensor) -> Tensor { output(norm(hidden)) }

    public func head(_ hidden: Tensor, tokens: Range<Int>) -> Tensor { output(norm(hidden), outputs: tokens) }

    public func makeState(history: Int) -> SequenceState {
        SequenceState(layers: layers.map { $0.makeState(history: history, on: device) }, width: width, on: device)
    }

    public func cost(ofLayer layer: Int, position: Int) -> Cost {
        weightCosts[layer] + layers[layer].stateCost(atPosition: position)
    }

    public func weightCost(ofLayer layer: Int) -> Cost { weightCosts[layer] }

    public func absorbCost(ofLayer layer: Int) -> AbsorbCost { layers[layer].absorbCost }

    public func kind(ofLayer layer: Int) -> LayerKind { layers[layer].kind }

    public var headCost: Cost { output.cost }

    public func headCost(tokens: Range<Int>) -> Cost { output.cost(ofOutputs: tokens) }
}
