public import DynamaxTensor

/// What one layer keeps of a sequence's past.
public enum LayerState {
    case attention(KVCache)
    case recurrence(RecurrentState)

    /// Positions consumed.
    public var progress: Int {
        switch self {
        case .attention(let cache): cache.progress
        case .recurrence(let state): state.progress
        }
    }

    /// Bytes held, memory shared with other sequences included.
    public var bytes: Int {
        switch self {
        case .attention(let cache): cache.bytes
        case .recurrence(let state): state.bytes
        }
    }

    /// Bytes that a state of its own would hold after so many positions, without a history.
    func bytes(after positions: Int) -> Int {
        switch self {
        case .attention(let cache): cache.bytes(after: positions)
        case .recurrence(let state): state.bytesOfMoment
        }
    }

    func advance(_ rows: Int) {
        switch self {
        case .attention(let cache): cache.advance(rows)
        case .recurrence(let state): state.advance(rows)
        }
    }

    func fork() -> LayerState {
        switch self {
        case .attention(let cache): .attention(cache.fork())
        case .recurrence(let state): .recurrence(state.fork())
        }
    }
}

/// The past of one sequence, as the layers of a model hold it: a value that can grow, go back, fork and move.
///
/// Each layer has consumed a number of positions, its progress, which never increases with depth. Rows that left early
/// wait, as hidden states, before the layer where they stopped. The state of a layer at progress n is exactly what
/// the full model would hold after n positions, where rows were appended by `LayerStack.run` alone.
///
/// Rows are appended by `LayerStack.run`, or approximately, without running layers, by `LayerStack.absorb`,
/// `copyKeysAndValues(to:)` and `skipPositions(in:)`. The other operations are `truncate(to:)`, `fork()`, `serialize(positions:)`
/// and `restore(_:)`. A state belongs to the task that runs its model; it is not thread-safe.
public final class SequenceState {
    /// What each layer keeps.
    public let layers: [LayerState]
    /// Numbers of a hidden row.
    public let width: Int
    /// The device whose memory holds the state.
    let device: Device
    /// Rows that wait before each layer.
    private var pending: [PendingRows]
    /// States of what reads along, such as exit heads with a memory, by the layer whose rows they read; each has consumed the
    /// rows that have left that layer's predecessor.
    public private(set) var readers: [Int: SequenceState] = [:]

    init(layers: [LayerState], width: Int, on device: Device) {
        precondition(!layers.isEmpty)
        self.layers = layers
        self.width = width
        self.device = device
        pending = Array(repeating: PendingRows(width: width), count: layers.count)
    }

    /// A state whose memory is shared with another one.
    private init(forking other: SequenceState) {
        layers = other.layers.map { $0.fork() }
        (width, device, pending) = (other.width, other.device, other.pending)
        readers = other.readers.mapValues { $0.fork() }
    }

    /// Positions that have entered the first layer.
    public var length: Int { layers[0].progress }

    /// Positions that a layer has consumed.
    public func progress(ofLayer layer: Int) -> Int { layers[layer].progress }

    /// Rows that wait before a layer.
    public func pendingRows(beforeLayer layer: Int) -> Int { pending[layer].count }

    /// Rows that wait anywhere.
    public var pendingRows: Int { layers[0].progress - layers[layers.count - 1].progress }

    /// Bytes held, memory shared with other sequences included.
    public var bytes: Int { layers.reduce(0) { $0 + $1.bytes } + readers.values.reduce(0) { $0 + $1.bytes } }

    /// Bytes that a state of its own would hold after so many positions, without a history and without readers.
    public func bytes(after positions: Int) -> Int { layers.reduce(0) { $0 + $1.bytes(after: positions) } }

    /// Whether recurrent layers record what it takes to go back, as they do from the beginning where a history was asked for. Positions
    /// consumed while they do not, and those before, cannot be taken back.
    public var records: Bool {
        get { recurrentStates.allSatisfy(\.records) }
        set {
            for state in recurrentStates { state.records = newValue }
        }
    }

    private var recurrentStates: [RecurrentState] {
        (layers + readers.values.flatMap(\.layers)).compactMap { layer in
            if case .recurrence(let state) = layer { state } else { nil }
        }
    }

    /// Lets a state of its own move with this one, which is still empty: that of something that reads the rows before
    /// `layer`.
    public func attach(_ reader: SequenceState, beforeLayer layer: Int) {
        precondition(length == 0 && reader.length == 0)
        readers[layer] = reader
    }

    // MARK: Deferral

    /// Lets rows that have run through the layers below `layer` wait there.
    ///
    /// - Parameters:
    ///   - hidden: the positions after those that already wait there, [rows, width].
    ///   - layer: the first that the rows have not run through, from 1.
    public func deferRows(_ hidden: Tensor, beforeLayer layer: Int) {
        precondition(layer > 0)
        pending[layer].append(hidden)
        assert(isConsistent)
    }

    /// Takes the rows that wait before a layer, to run them on: [rows, width].
    public func takePending(beforeLayer layer: Int, on device: Device) -> Tensor {
        pending[layer].takeAll(on: device)
    }

    /// Whether progress falls with depth only by the rows that wait.
    public var isConsistent: Bool {
        layers.indices.dropFirst().allSatisfy { layers[$0 - 1].progress - layers[$0].progress == pending[$0].count }
            && readers.allSatisfy { layer, reader in reader.length == layers[layer - 1].progress }
    }

    // MARK: Layers that rows do not run through

    /// Gives attention layers the positions that they lack, each with the keys and values that the layer just below has for them:
    /// in the end those of the layer below the first.
    ///
    /// - Parameter layers: from 1 on.
    public func copyKeysAndValues(to layers: Range<Int>) {
        for layer in layers {
            guard case .attention(let below) = self.layers[layer - 1], case .attention(let cache) = self.layers[layer]
            else { preconditionFailure("layers \(layer - 1) and \(layer) must be attention layers") }
            cache.append(newestOf: below)
        }
    }

    /// Lets recurrent layers count the positions that they lack as consumed, with windows and states left as they are.
    ///
    /// `truncate` knows such positions and goes back over them as over others.
    ///
    /// - Parameter layers: from 1 on.
    public func skipPositions(in layers: Range<Int>) {
        for layer in layers {
            guard case .recurrence(let state) = self.layers[layer] else {
                preconditionFailure("layer \(layer) must be a recurrent layer")
            }
            state.skip(self.layers[layer - 1].progress - state.progress)
        }
    }

    // MARK: Truncate and fork

    /// Forgets the positions from `position` on.
    ///
    /// - Throws: `StateError` when the position lies beyond the end, or before what a recurrent layer remembers; nothing
    ///   has changed then.
    public func truncate(to position: Int) throws(StateError) {
        guard (0...length).contains(position) else { throw .beyondEnd(position: position, end: length) }
        for state in recurrentStates where !state.canTruncate(to: position) {
            throw .beyondHistory(position: position, oldest: state.oldest)
        }
        for reader in readers.values where reader.length > position { try reader.truncate(to: position) }
        for layer in layers {
            switch layer {
            case .attention(let cache): cache.truncate(to: position)
            case .recurrence(let state): state.truncate(to: position)
            }
        }
        for layer in layers.indices.dropFirst() where pending[layer].count > 0 {
            pending[layer].keepFirst(layers[layer - 1].progress - layers[layer].progress)
        }
    }

    /// A state of the same past; memory is shared until one of the two changes it.
    public func fork() -> SequenceState { SequenceState(forking: self) }

    // MARK: Pending rows, for serialization

    var pendingContents: [PendingRows] {
        get { pending }
        set { pending = newValue }
    }
}
