public import DynamaxLayers
public import DynamaxTensor

/// The one way to compute: run layers a ..< b on a batch of rows, each row one position of some sequence.
///
/// Prefill, decoding, batching, early exit, deferral, speculation and split execution are all calls of `run` with other
/// layers and other rows. The numbers of a row do not depend on what else is in its batch, to the bit.
public protocol LayerStack: Sendable {
    var layerCount: Int { get }
    /// Numbers of a hidden row.
    var width: Int { get }
    var vocabularySize: Int { get }
    var device: Device { get }

    /// The hidden rows that enter the first layer, [tokens, width]; tokens lie in 0 ..< vocabularySize.
    func embed(_ tokens: Span<Token>) -> Tensor

    /// Runs layers on rows that continue their sequences, [rows, width] -> [rows, width], and advances those sequences.
    ///
    /// - Parameters:
    ///   - layers: the first of them follows the layer that the rows have just left.
    ///   - hidden: what the layer before the first one put out for these rows.
    ///   - batch: says which rows belong to which sequence; each must stand at the same progress in all of `layers`.
    func run(_ layers: Range<Int>, _ hidden: Tensor, _ batch: Batch) -> Tensor

    /// Moves the states of layers by rows that none of them computes anything for: each takes the same rows, and only what its
    /// state needs of them.
    ///
    /// A layer's state is then, to the bit, what `run` of that layer alone on the rows would leave.
    ///
    /// - Parameters:
    ///   - layers: the first of them follows the layer that the rows have just left.
    ///   - hidden: for each of the layers in place of what the one below would have put out, [rows, width].
    ///   - batch: as for `run`.
    func absorb(_ layers: Range<Int>, _ hidden: Tensor, _ batch: Batch)

    /// What a layer keeps of the past.
    func kind(ofLayer layer: Int) -> LayerKind

    /// The shared final norm and language-model head: [rows, width] -> [rows, vocabularySize].
    func head(_ hidden: Tensor) -> Tensor

    /// The logits of some tokens alone, with the bits that `head` gives them: [rows, width] -> [rows, tokens.count].
    func head(_ hidden: Tensor, tokens: Range<Int>) -> Tensor

    /// The state of an empty sequence.
    ///
    /// - Parameter history: positions that `truncate(to:)` can take back in recurrent layers.
    func makeState(history: Int) -> SequenceState

    /// What one row costs in a layer when its sequence has `position` positions before it.
    func cost(ofLayer layer: Int, position: Int) -> Cost

    /// The part of it that rows which run together share: reading the weights.
    func weightCost(ofLayer layer: Int) -> Cost

    /// What one row costs in `absorb`.
    func absorbCost(ofLayer layer: Int) -> AbsorbCost

    /// What one row costs in `head`.
    var headCost: Cost { get }

    /// What one row costs in `head` for some tokens alone.
    func headCost(tokens: Range<Int>) -> Cost
}

extension LayerStack {
    /// The hidden rows that enter the first layer, [tokens, width]; tokens lie in 0 ..< vocabularySize.
    public func embed(_ tokens: [Token]) -> Tensor { embed(tokens.span) }

    /// The hidden row of one token, [1, width].
    public func embed(_ token: Token) -> Tensor { embed(CollectionOfOne(token).span) }
}

/// What a layer keeps of the past: a KV cache, or the window and state of a recurrence.
public enum LayerKind: Hashable, Sendable {
    case attention, recurrence
}

/// What one row costs in a layer that only moves its state.
public struct AbsorbCost: Hashable, Sendable {
    /// The linear layers; rows that go together share the reading of weights.
    public var weights: Cost
    /// Writing or moving the state.
    public var state: Cost

    /// What rows that go together cost.
    public func together(_ rows: Int) -> Cost {
        Cost(
            bytes: weights.bytes + state.bytes * rows,
            multiplyAdds: (weights.multiplyAdds + state.multiplyAdds) * rows)
    }
}
