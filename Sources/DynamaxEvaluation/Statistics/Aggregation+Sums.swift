import Foundation

/// Every aggregation is a function of sums over items, so that resamples of thousands of items are quickly taken.
extension Aggregation {
    /// What an item's score adds to each sum.
    func terms(_ score: Score) -> [Double] {
        switch self {
        case .mean, .perplexity: [score.value, 1]
        case .weightedPerplexity, .bitsPerByte: [score.value, score.weight]
        case .macroF1:
            // For each verdict: told and true, told, true.
            Aggregation.verdicts.flatMap { label in
                let (told, gold) = (score.value == label, score.weight == label)
                return [told && gold ? 1 : 0, told ? 1 : 0, gold ? 1 : 0] as [Double]
            }
        }
    }

    /// Sums that an aggregation takes.
    var termCount: Int { self == .macroF1 ? 3 * Aggregation.verdicts.count : 2 }

    /// The figure of such sums: what the aggregation gives of the scores themselves.
    func figure(_ sums: some RandomAccessCollection<Double>) -> Double {
        let sums = Array(sums)
        return switch self {
        case .mean: sums[0] / sums[1]
        case .perplexity, .weightedPerplexity: exp(-sums[0] / sums[1])
        case .bitsPerByte: -sums[0] / sums[1] / log(2)
        case .macroF1:
            stride(from: 0, to: sums.count, by: 3).reduce(0) { sum, place in
                let either = sums[place + 1] + sums[place + 2]
                return sum + (either > 0 ? 2 * sums[place] / either : 0)
            } / Double(Aggregation.verdicts.count)
        }
    }

    private static let verdicts: [Double] = [0, 1, 2]
}
