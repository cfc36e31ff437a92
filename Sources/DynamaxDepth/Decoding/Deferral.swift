public import DynamaxModels
public import DynamaxTensor

extension LayerStack {
    /// Runs the newest row of a sequence on, together with all rows that wait where it passes.
    ///
    /// Waiting rows come before it in the sequence, so they join it in each batch: no layer ever misses a position, and all of
    /// them read the weights once.
    ///
    /// - Parameters:
    ///   - rows: rows that have just left the layer before the first, the newest of the sequence last; nil for none.
    /// - Returns: all rows that left the last layer, or nil where none entered any.
    public func runWithWaiting(
        _ rows: Tensor?, _ layers: Range<Int>, _ state: SequenceState, _ ledger: inout Ledger
    ) -> Tensor? {
        var hidden = rows
        var layer = layers.lowerBound
        while layer < layers.upperBound {
            let next = (layer + 1..<layers.upperBound).first { state.pendingRows(beforeLayer: $0) > 0 }
            let end = next ?? layers.upperBound
            if state.pendingRows(beforeLayer: layer) > 0 {
                let waiting = state.takePending(beforeLayer: layer, on: device)
                hidden = Tensor.stackingRows(hidden.map { [waiting, $0] } ?? [waiting])
            }
            if let entering = hidden {
                let own = rows == nil ? 0 : 1
                ledger.add(
                    layer..<end, of: self, rows: entering.rows, catchUp: entering.rows - own,
                    position: state.progress(ofLayer: layer) + entering.rows - 1)
                hidden = run(layer..<end, entering, Batch(state, rows: entering.rows))
            }
            layer = end
        }
        return hidden
    }

    /// Runs all rows that wait through the layers that they lack, so that every layer stands at the end of the sequence.
    ///
    /// The state is one that no head reads along.
    public func catchUp(_ state: SequenceState) -> Ledger {
        precondition(state.readers.isEmpty)
        var ledger = Ledger()
        _ = runWithWaiting(nil, 0..<layerCount, state, &ledger)
        return ledger
    }
}
