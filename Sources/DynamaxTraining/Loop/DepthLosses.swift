package import DynamaxModels
package import DynamaxTensor

/// The one place where training meets the tape: a batch goes through the layers, and at some depths through the head to a
/// loss.
package struct DepthLosses {
    let model: LanguageModel
    let batch: TokenBatch

    /// Which sequences run through each layer, [layer][sequence]; nil for all.
    let keeps: [[Bool]]?

    package init(model: LanguageModel, batch: TokenBatch, keeps: [[Bool]]? = nil) {
        (self.model, self.batch, self.keeps) = (model, batch, keeps)
    }

    /// The losses of a batch.
    package struct Result {
        /// Added up over rows and depths, with their weights: [1]
        package let total: Tensor
        /// The mean over rows at each depth, without weights.
        package let means: [(depth: Int, loss: Double)]
    }

    /// Runs the batch.
    ///
    /// - Parameters:
    ///   - depths: rising, the last of them the number of layers.
    ///   - share: what each loss is multiplied by beside its weight: 1 where the batch is all of a step.
    package func callAsFunction(_ depths: [(depth: Int, weight: Double)], share: Double = 1) -> Result {
        let stack = model.stack
        let rows = batch.inputs.count
        let parts = batch.pieces.map { Batch.Part(stack.makeState(history: 0), rows: $0) }
        var hidden = stack.embed(batch.inputs)
        var done = 0
        var total: Tensor?
        var means: [(depth: Int, loss: Double)] = []
        for (depth, weight) in depths {
            hidden = run(done..<depth, hidden, parts)
            done = depth
            let rowWeight = Float(weight * share / Double(rows))
            let weights = Tensor(repeating: rowWeight, [rows], on: stack.device)
            let loss = stack.head(hidden).crossEntropy(targets: batch.targets, weights: weights)
            means.append((depth, Double(loss.array[0]) / (Double(rowWeight) * Double(rows))))
            total = total.map { $0.adding(loss) } ?? loss
        }
        return Result(total: total ?? Tensor(zeros: [1], on: stack.device), means: means)
    }

    private func run(_ layers: Range<Int>, _ hidden: Tensor, _ parts: [Batch.Part]) -> Tensor {
        guard let keeps else { return model.stack.run(layers, hidden, Batch(parts)) }
        return layers.reduce(hidden) { hidden, layer in run(layer, hidden, parts, keeps[layer]) }
    }

    /// Runs one layer on the sequences that keep it; the rows of the others pass it by.
    private func run(_ layer: Int, _ hidden: Tensor, _ parts: [Batch.Part], _ keep: [Bool]) -> Tensor {
        let stack = model.stack
        if !keep.contains(false) { return stack.run(layer..<layer + 1, hidden, Batch(parts)) }
        if !keep.contains(true) { return hidden }
        var (running, passing): ([Int32], [Int32]) = ([], [])
        var row: Int32 = 0
        for (part, isKept) in zip(parts, keep) {
            let rows = row..<row + Int32(part.rows)
            if isKept { running += rows } else { passing += rows }
            row = rows.upperBound
        }
        let kept = zip(parts, keep).filter { $0.1 }.map(\.0)
        let moved = stack.run(layer..<layer + 1, hidden.gatheringRows(running), Batch(kept))
        // Where each row lies once those that ran come first.
        var places = [Int32](repeating: 0, count: hidden.rows)
        for (place, row) in (running + passing).enumerated() { places[Int(row)] = Int32(place) }
        return Tensor.stackingRows([moved, hidden.gatheringRows(passing)]).gatheringRows(places)
    }
}
