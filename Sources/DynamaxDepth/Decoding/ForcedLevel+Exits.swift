import DynamaxLayers
import DynamaxModels
import DynamaxTensor

extension ForcedLevel {
    /// Shows rows to the exit after a layer; those that pass leave.
    mutating func judge(after layer: Int, entered: Tensor?) throws(GenerationError) {
        let open = openRows()
        let rows = rows(open, of: hidden)
        if let heads = policy?.heads { return try judge(rows, open, by: heads, after: layer) }
        guard let rows else { return }
        if let entered {
            let before = entered.gatheringRows(open.map { Int32($0.place) })
            try leave(rows, open, rows.cosines(with: before), after: layer)
        } else if case .reduced? = policy?.score {
            try judgeCandidates(rows, open, after: layer)
        } else if policy?.score.needsLogits == true {
            try say(rows, open, layer: layer) { _, summary, row in
                let value = row.score?.value(summary) ?? 0
                return row.score?.passes(value) == true ? value : nil
            }
        } else {
            try leave(rows, open, open.map { _ in 1 }, after: layer)
        }
    }

    /// Lets the rows go whose scores pass, with what the shared head says of them.
    private mutating func leave(
        _ rows: Tensor, _ open: [Place], _ scores: [Float], after layer: Int
    ) throws(GenerationError) {
        let passing = open.indices.filter { index in
            parts[open[index].part].rows[open[index].row].score?.passes(scores[index]) == true
        }
        guard !passing.isEmpty else { return }
        try say(rows.gatheringRows(passing.map { Int32($0) }), passing.map { open[$0] }, layer: layer) { index, _, _ in
            scores[passing[index]]
        }
    }

    private mutating func judge(
        _ rows: Tensor?, _ open: [Place], by heads: ExitHeads, after layer: Int
    ) throws(GenerationError) {
        guard let head = heads.heads[layer] else { return }
        var scores: [Float]
        if head.hasMemory {
            // It reads all rows, each once and in order.
            let going = parts.indices.filter { parts[$0].entering > 0 }
            for index in going { parts[index].ledger.addExitHead(head.cost, rows: parts[index].entering) }
            let batch = Batch(
                going.compactMap { index in
                    parts[index].state.readers[layer].map { Batch.Part($0, rows: parts[index].entering) }
                })
            let all = head(hidden, ExitHeadContext(batch: batch)).array
            scores = open.map { all[$0.place] }
        } else {
            guard let rows else { return }
            for (part, count) in counts(open) { parts[part].ledger.addExitHead(head.cost, rows: count) }
            if head.readsLogits { return try judge(rows, open, byGate: head, heads, after: layer) }
            scores = head(rows, ExitHeadContext()).array
        }
        guard let rows else { return }
        scores = scores.map(sigmoid)
        if heads.manifest.kind.usesHazards { scores = hazards(open, scores) }
        try leave(rows, open, scores, after: layer)
    }

    /// A gate reads what its exit says, so that its rows have their logits already.
    private mutating func judge(
        _ rows: Tensor, _ open: [Place], byGate head: any ExitHead, _ heads: ExitHeads,
        after layer: Int
    ) throws(GenerationError) {
        let translated = head.translate(rows)
        for (part, count) in counts(open) { parts[part].ledger.addHead(of: stack, rows: count) }
        for piece in pieces(of: open.count) {
            let logits = stack.head(translated.rows(piece))
            var scores = head(rows.rows(piece), ExitHeadContext(logits: logits)).array.map(sigmoid)
            if heads.manifest.kind.usesHazards { scores = hazards(Array(open[piece]), scores) }
            try hear(logits, Array(open[piece]), layer: layer) { index, _, row in
                row.score?.passes(scores[index]) == true ? scores[index] : nil
            }
        }
    }

    private mutating func hazards(_ open: [Place], _ scores: [Float]) -> [Float] {
        zip(open, scores).map { parts[$0.part].rows[$0.row].hazards.next($1).hazard }
    }

    /// As `ExitPass` judges among few tokens: most of the head is read only for the first exit and for rows that are sure.
    private mutating func judgeCandidates(
        _ rows: Tensor, _ open: [Place], after layer: Int
    ) throws(GenerationError) {
        for (index, place) in open.enumerated() {
            guard let score = parts[place.part].rows[place.row].score else { continue }
            var few = parts[place.part].rows[place.row].few
            let judged = few.judge(rows.rows(index..<index + 1), by: score, stack, &parts[place.part].ledger)
            parts[place.part].rows[place.row].few = few
            guard let judged, let logits = judged.logits, score.passes(judged.score) else { continue }
            try hear(logits, [place], layer: layer) { _, _, _ in judged.score }
        }
    }

    // MARK: What is said

    /// Rows of a head's answer that are looked at together: logits are large where the vocabulary is.
    private func pieces(of count: Int) -> [Range<Int>] {
        let most = max(16, (1 << 24) / stack.vocabularySize)
        return stride(from: 0, to: count, by: most).map { $0..<min($0 + most, count) }
    }

    private func counts(_ open: [Place]) -> [(part: Int, count: Int)] {
        Dictionary(grouping: open, by: \.part).map { ($0.key, $0.value.count) }
    }

    /// Asks the shared head about rows.
    ///
    /// - Parameter leaves: the score with which a row leaves; nil where it does not. At the last layer all rows end.
    mutating func say(
        _ rows: Tensor?, _ open: [Place], layer: Int,
        leaves: (_ index: Int, LogitSummary, Row) -> Float?
    ) throws(GenerationError) {
        guard let rows else { return }
        for (part, count) in counts(open) { parts[part].ledger.addHead(of: stack, rows: count) }
        for piece in pieces(of: open.count) {
            try hear(stack.head(rows.rows(piece)), Array(open[piece]), layer: layer) { index, summary, row in
                leaves(piece.lowerBound + index, summary, row)
            }
        }
    }

    /// Takes what logits say of rows that leave.
    private mutating func hear(
        _ logits: Tensor, _ open: [Place], layer: Int,
        leaves: (_ index: Int, LogitSummary, Row) -> Float?
    ) throws(GenerationError) {
        for (index, (place, summary)) in zip(open, logits.summarizedLogits()).enumerated() {
            let row = parts[place.part].rows[place.row]
            let score = leaves(index, summary, row)
            guard score != nil || layer == stack.layerCount else { continue }
            guard let likeliest = summary.argmax else {
                let part = parts[place.part]
                throw .notANumber(position: part.state.length - part.rows.count + place.row)
            }
            parts[place.part].rows[place.row].isOpen = false
            parts[place.part].rows[place.row].answer = logits.withRow(index) { numbers in
                ForcedRows.Answer(
                    summary, likeliest, logits: { numbers[Int($0)] }, of: row.questions, layer: layer, score: score)
            }
        }
    }
}
