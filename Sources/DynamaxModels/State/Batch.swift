import CDynamax
import DynamaxTensor

/// The rows of one call of `LayerStack.run`: consecutive positions of any number of sequences, one after the other.
///
/// Rows continue where the layers of their sequence stand. A sequence occurs at most once in a batch.
public struct Batch {
    /// Consecutive rows of one sequence.
    public struct Part {
        /// The sequence.
        public let state: SequenceState
        /// How many positions it goes on by.
        public let rows: Int

        /// Takes a sequence and one row or more.
        public init(_ state: SequenceState, rows: Int) {
            self.state = state
            self.rows = rows
        }
    }

    /// One part or more; a batch of one, as in decoding, takes no array.
    public struct Parts: RandomAccessCollection {
        private let first: Part
        private let others: ArraySlice<Part>

        fileprivate init(_ first: Part, _ others: ArraySlice<Part> = []) {
            (self.first, self.others) = (first, others)
        }

        public var startIndex: Int { 0 }
        public var endIndex: Int { 1 + others.count }
        public subscript(index: Int) -> Part { index == 0 ? first : others[others.startIndex + index - 1] }
    }

    /// The sequences, in the order of their rows.
    public let parts: Parts
    /// Rows of all parts.
    public let rows: Int

    /// What the kernels see of the sequences, in two halves: see `recur`.
    private let memory: Storage
    private var sequences: UnsafeMutableBufferPointer<dx_sequence> {
        UnsafeMutableBufferPointer(
            start: memory.address.assumingMemoryBound(to: dx_sequence.self), count: 2 * parts.count)
    }

    private init(_ parts: Parts) {
        precondition(parts.allSatisfy { $0.rows > 0 })
        self.parts = parts
        rows = parts.reduce(0) { $0 + $1.rows }
        memory = parts[0].state.device.storage(bytes: 2 * parts.count * MemoryLayout<dx_sequence>.stride)
        memory.address.initializeMemory(as: dx_sequence.self, repeating: dx_sequence(), count: 2 * parts.count)
    }

    /// - Parameter parts: at least one, each with a row or more.
    public init(_ parts: [Part]) {
        self.init(Parts(parts[0], parts[1...]))
    }

    /// A batch of one sequence.
    public init(_ state: SequenceState, rows: Int) {
        self.init(Parts(Part(state, rows: rows)))
    }

    /// Hands out the position of each row in its sequence, as `layer` counts.
    func withPositions<Result>(atLayer layer: Int, _ body: (Span<Int>) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: rows) { positions in
            var row = 0
            for part in parts {
                let start = part.state.progress(ofLayer: layer)
                for index in 0..<part.rows { positions[row + index] = start + index }
                row += part.rows
            }
            return body(UnsafeBufferPointer(positions).span)
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

    /// The sequences as a recurrent layer needs them.
    func recur(_ layer: Int) -> RecurrentPass {
        var row = 0
        var later = parts.count
        for (index, part) in parts.enumerated() {
            let state = recurrentState(index, layer)
            let first = state.open(&sequences[index], rows: part.rows)
            sequences[index].row = Int64(row)
            sequences[index].rows = Int64(first > 0 ? first : part.rows)
            if first > 0 {
                sequences[later] = sequences[index]
                sequences[later].row += Int64(first)
                sequences[later].position += Int64(first)
                sequences[later].rows = Int64(part.rows - first)
                (sequences[later].old_window, sequences[later].old_state) = (nil, nil)
                later += 1
            }
            row += part.rows
        }
        return RecurrentPass(
            batch: self, layer: layer, first: UnsafeBufferPointer(rebasing: sequences[..<parts.count]),
            second: UnsafeBufferPointer(rebasing: sequences[parts.count..<later]))
    }

    fileprivate func recurrentState(_ index: Int, _ layer: Int) -> RecurrentState {
        guard case .recurrence(let state) = parts[index].state.layers[layer] else {
            preconditionFailure("layer \(layer) has no recurrent state")
        }
        return state
    }
}

/// One run of a recurrent layer over a batch: windows move, then states move, then the inputs are recorded for going back.
///
/// Where a part is so long that only its last rows can be recorded, kernels run in two calls: up to those rows, where the
/// checkpoint is taken, and over the rest. Recurrences give the same bits however a sequence is cut.
struct RecurrentPass {
    fileprivate let batch: Batch
    fileprivate let layer: Int
    fileprivate let first: UnsafeBufferPointer<dx_sequence>
    fileprivate let second: UnsafeBufferPointer<dx_sequence>

    /// Runs the convolution: [rows, channels] -> [rows, channels].
    func convolve(_ x: Tensor, _ parameters: ConvolutionParameters) -> Tensor {
        let y = Tensor(uninitialized: x.shape, on: x.device)
        move {
            parameters.run($0, x, into: y)
        } checkpoint: {
            $0.checkpointWindow()
        }
        return parameters.recorded(y, x, first)
    }

    /// Runs a Mamba-1 scan: [rows, channels] -> [rows, channels].
    func scan(_ inputs: ScanParameters.Inputs, _ parameters: ScanParameters) -> Tensor {
        let y = Tensor(uninitialized: inputs.x.shape, on: inputs.x.device)
        move {
            parameters.run($0, inputs, into: y)
        } checkpoint: {
            $0.checkpointState()
        }
        return parameters.recorded(y, inputs, first)
    }

    /// Runs a Mamba-2 recurrence: [rows, heads * headWidth] -> [rows, heads * headWidth].
    func recur(_ inputs: SSDParameters.Inputs, _ parameters: SSDParameters) -> Tensor {
        let y = Tensor(uninitialized: inputs.x.shape, on: inputs.x.device)
        move {
            parameters.run($0, inputs, into: y)
        } checkpoint: {
            $0.checkpointState()
        }
        return parameters.recorded(y, inputs, first)
    }

    /// Moves the states of a Mamba-1 scan, and computes nothing from them.
    func moveStates(_ inputs: ScanParameters.Inputs, _ parameters: ScanParameters) {
        move {
            parameters.run($0, inputs, into: nil)
        } checkpoint: {
            $0.checkpointState()
        }
    }

    /// Moves the states of a Mamba-2 recurrence, and computes nothing from them.
    func moveStates(_ inputs: SSDParameters.Inputs, _ parameters: SSDParameters) {
        move {
            parameters.run($0, inputs, into: nil)
        } checkpoint: {
            $0.checkpointState()
        }
    }

    /// Records what `Recurrence.replay` needs of each row: parts of it side by side, each [rows, part width].
    func record<let count: Int>(_ inputs: @autoclosure () -> InlineArray<count, Tensor>) {
        var row = 0
        for (index, part) in batch.parts.enumerated() {
            let state = batch.recurrentState(index, layer)
            if state.records { state.record(inputs(), rows: row..<row + part.rows) }
            row += part.rows
        }
    }

    private func move(
        _ kernels: (UnsafeBufferPointer<dx_sequence>) -> Void, checkpoint: (RecurrentState) -> Void
    ) {
        kernels(first)
        guard !second.isEmpty else { return }
        for index in batch.parts.indices where isCut(index) { checkpoint(batch.recurrentState(index, layer)) }
        kernels(second)
    }

    private func isCut(_ index: Int) -> Bool { Int(first[index].rows) < batch.parts[index].rows }
}
