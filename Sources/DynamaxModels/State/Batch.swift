import CDynamax
import DynamaxTensor

/// The rows of one call of `LayerStack.run`: consecutive positions of any number of sequences, one after the other.
///
/// Rows continue where the layers of their sequence stand. A sequence occurs at most once in a batch.
public final class Batch {
    /// Consecutive rows of one sequence.
    public struct Part {
        public let state: SequenceState
        public let rows: Int

        public init(_ state: SequenceState, rows: Int) {
            self.state = state
            self.rows = rows
        }
    }

    public let parts: [Part]
    /// Rows of all parts.
    public let rows: Int

    /// What the kernels see of the sequences, in two halves: see `recur`.
    private let sequences: UnsafeMutableBufferPointer<dx_sequence>

    /// - Parameter parts: at least one, each with a row or more.
    public init(_ parts: [Part]) {
        precondition(!parts.isEmpty && parts.allSatisfy { $0.rows > 0 })
        self.parts = parts
        rows = parts.reduce(0) { $0 + $1.rows }
        sequences = .allocate(capacity: 2 * parts.count)
        sequences.initialize(repeating: dx_sequence())
    }

    /// A batch of one sequence.
    public convenience init(_ state: SequenceState, rows: Int) {
        self.init([Part(state, rows: rows)])
    }

    deinit {
        sequences.deallocate()
    }

    /// The position of each row in its sequence, as `layer` counts.
    func positions(atLayer layer: Int) -> [Int] {
        parts.flatMap { part in
            let start = part.state.progress(ofLayer: layer)
            return start..<start + part.rows
        }
    }

    /// Counts the rows as consumed by a layer.
    func advance(_ layer: Int) {
        for part in parts { part.state.layers[layer].advance(part.rows) }
    }

    /// The sequences as an attention layer needs them, with room for the rows of this batch.
    func attend(_ layer: Int) -> UnsafeBufferPointer<dx_sequence> {
        var row = 0
        var tile = 0
        for (index, part) in parts.enumerated() {
            guard case .attention(let cache) = part.state.layers[layer] else {
                preconditionFailure("layer \(layer) has no KV cache")
            }
            cache.extend(&sequences[index], rows: part.rows)
            sequences[index].row = Int64(row)
            sequences[index].rows = Int64(part.rows)
            sequences[index].tile = Int64(tile)
            row += part.rows
            tile += (part.rows + Int(DX_ROW_TILE) - 1) / Int(DX_ROW_TILE)
        }
        return UnsafeBufferPointer(rebasing: sequences[..<parts.count])
    }

    /// Runs the kernels of a recurrent layer over the rows, and records their inputs for going back.
    ///
    /// Where a part is so long that only its last rows can be recorded, `body` is called twice: up to those rows, when the
    /// checkpoint is taken, and over the rest.
    ///
    /// - Parameters:
    ///   - inputs: what `Recurrence.replay` needs of each row, side by side.
    ///   - body: the kernels' calls.
    func recur(_ layer: Int, recording inputs: [Tensor], _ body: (UnsafeBufferPointer<dx_sequence>) -> Void) {
        var row = 0
        var later = parts.count
        for (index, part) in parts.enumerated() {
            let state = recurrentState(part, layer)
            let first = state.rowsBeforeCheckpoint(of: part.rows)
            state.open(&sequences[index])
            sequences[index].row = Int64(row)
            sequences[index].rows = Int64(first > 0 ? first : part.rows)
            if first > 0 {
                sequences[later] = sequences[index]
                sequences[later].row += Int64(first)
                sequences[later].position += Int64(first)
                sequences[later].rows = Int64(part.rows - first)
                later += 1
            }
            row += part.rows
        }
        body(UnsafeBufferPointer(rebasing: sequences[..<parts.count]))
        if later > parts.count {
            for (index, part) in parts.enumerated() where rowsRun(index) < part.rows {
                recurrentState(part, layer).checkpoint()
            }
            body(UnsafeBufferPointer(rebasing: sequences[parts.count..<later]))
        }
        row = 0
        for (index, part) in parts.enumerated() {
            let first = rowsRun(index) < part.rows ? rowsRun(index) : 0
            recurrentState(part, layer).record(inputs, rows: row + first..<row + part.rows)
            row += part.rows
        }
    }

    /// Rows of a part that the first call of `recur`'s body runs.
    private func rowsRun(_ index: Int) -> Int { Int(sequences[index].rows) }

    private func recurrentState(_ part: Part, _ layer: Int) -> RecurrentState {
        guard case .recurrence(let state) = part.state.layers[layer] else {
            preconditionFailure("layer \(layer) has no recurrent state")
        }
        return state
    }
}
