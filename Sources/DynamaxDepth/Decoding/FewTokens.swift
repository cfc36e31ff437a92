import DynamaxLayers
import DynamaxModels
import DynamaxTensor

/// How sure a row is among few tokens: the first exit that is looked at names them, later ones read only their rows of the head
/// (SpecEE, Xu et al. 2025, section 4; its candidates come from a draft model). A row that is sure leaves where all logits
/// agree that one of them is the most probable token.
struct FewTokens {
    /// The tokens that the first exit found most probable, once it has been looked at.
    private var candidates: [Token] = []

    /// How sure a row is, [1, width], and its logits where they were taken; nil where it may not leave, though it is sure.
    ///
    /// - Parameter vocabulary: the first tokens of the vocabulary, among which exits choose; nil for all.
    mutating func judge(
        _ row: Tensor, by score: ExitScore, _ stack: any LayerStack, vocabulary: Range<Int>? = nil,
        _ ledger: inout Ledger
    ) -> (score: Float, logits: Tensor?)? {
        func head(_ ledger: inout Ledger) -> Tensor {
            ledger.addHead(of: stack, rows: 1, tokens: vocabulary)
            return vocabulary.map { stack.head(row, tokens: $0) } ?? stack.head(row)
        }
        guard !candidates.isEmpty else {
            let logits = head(&ledger)
            candidates = logits.withRow(0) { numbers in
                numbers.indices.max(count: 4) { numbers[$0] < numbers[$1] }.map { Token($0) }
            }
            return (FewTokens.sureness(logits.withRow(0) { numbers in candidates.map { numbers[Int($0)] } }), logits)
        }
        let numbers = candidates.map { token in
            let range = Int(token)..<Int(token) + 1
            ledger.cost += stack.headCost(tokens: range)
            return stack.head(row, tokens: range).array[0]
        }
        let value = FewTokens.sureness(numbers)
        guard score.passes(value) else { return (value, nil) }
        let logits = head(&ledger)
        guard let best = logits.summarizedLogits(ofRow: 0).argmax, candidates.contains(best) else { return nil }
        return (value, logits)
    }

    /// The largest probability among a few logits.
    private static func sureness(_ logits: [Float]) -> Float {
        let most = logits.max() ?? 0
        return 1 / logits.reduce(0) { $0 + exponential($1 - most) }
    }
}

extension Range<Int> {
    /// The largest `count` elements, the largest first.
    fileprivate func max(count: Int, by isLess: (Int, Int) -> Bool) -> [Int] {
        var best: [Int] = []
        for element in self {
            if best.count == count, !isLess(best[count - 1], element) { continue }
            best.insert(element, at: best.firstIndex { isLess($0, element) } ?? best.count)
            if best.count > count { best.removeLast() }
        }
        return best
    }
}
