import DynamaxDepth
import DynamaxTensor

extension RunCell.Likeness {
    /// nil where there was nothing to choose: of the likelihoods of whole texts.
    init?(_ pairs: [RowPair], _ bootstrap: Bootstrap) {
        let isChoice = pairs.contains { pair in
            if case .logLikelihoods(let values) = pair.row.answer { values.count != 1 } else { true }
        }
        guard isChoice else { return nil }
        same = bootstrap.mean(pairs.map { $0.isSame ? 1 : 0 })
        // What is written is compared token by token, up to the stop and with it.
        let texts = pairs.compactMap(\.texts)
        guard texts.count == pairs.count else { return }
        func likeness(_ measure: Divergence) -> Estimate {
            bootstrap.mean(texts.map { 1 - measure.value($0.own, from: $0.full) })
        }
        tokenF1 = likeness(.tokenF1)
        rougeL = likeness(.rougeL)
        firstDivergence = bootstrap.mean(texts.map { Double(zip($0.own, $0.full).prefix { $0 == $1 }.count) })
    }
}

extension RowPair {
    /// Whether both name the same answer: the same text, or the same likeliest choice.
    var isSame: Bool {
        guard let full else { return false }
        switch (row.answer, full.answer) {
        case (.text(let own), .text(let other)): return own == other
        case (.logLikelihoods(let own), .logLikelihoods(let other)):
            return own.likeliest == other.likeliest && own.count == other.count
        default: return false
        }
    }

    /// The tokens of written texts, numbered as they occur.
    fileprivate var texts: (own: [Token], full: [Token])? {
        guard let full, case .text = row.answer, case .text = full.answer else { return nil }
        var numbers = TextNumbers()
        return (numbers(row.tokens.map(\.text)), numbers(full.tokens.map(\.text)))
    }
}

extension [LogLikelihood] {
    /// The first of the likeliest choices.
    var likeliest: Int? {
        var best: Int?
        for (index, value) in enumerated() where best.map({ value.sum > self[$0].sum }) ?? true { best = index }
        return best
    }
}
