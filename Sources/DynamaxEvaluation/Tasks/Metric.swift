import Foundation

/// A figure that a task reports.
public struct Metric: Hashable, Sendable {
    /// The name that lm-evaluation-harness gives it.
    public let name: String
    /// What takes the answer from the text, where a task scores more than one such reading, or the harness names it.
    public let filter: String?
    public let isHigherBetter: Bool
    public let aggregation: Aggregation
    /// Whether it lies between 0 and 1, so that it is told in hundredths.
    public let isShare: Bool

    /// Takes a name and how scores of items become one figure.
    ///
    /// - Parameter isShare: of means; what else there is says so itself.
    public init(
        _ name: String, filter: String? = nil, isHigherBetter: Bool = true, _ aggregation: Aggregation = .mean,
        isShare: Bool = true
    ) {
        (self.name, self.filter, self.isHigherBetter, self.aggregation) = (name, filter, isHigherBetter, aggregation)
        self.isShare = aggregation == .macroF1 || aggregation == .mean && isShare
    }

    /// What tells it from the task's other metrics: `acc`, or `exact_match,strict-match`.
    public var key: String { filter.map { "\(name),\($0)" } ?? name }

    /// Its key in the results of lm-evaluation-harness: `acc,none`, or `exact_match,strict-match`.
    public var harnessKey: String { "\(name),\(filter ?? "none")" }
}

/// How the scores of items become one figure.
public enum Aggregation: String, Hashable, Sendable {
    case mean
    /// exp(-mean) of log-likelihoods.
    case perplexity
    /// exp(-Σvalue / Σweight): log-likelihoods by words or bytes.
    case weightedPerplexity = "weighted_perplexity"
    /// -Σvalue / Σweight / ln 2.
    case bitsPerByte = "bits_per_byte"
    /// The mean of F1 over the verdicts 0, 1 and 2, where values are those told and weights the true ones (scikit-learn's
    /// `macro`).
    case macroF1 = "macro_f1"

    /// The figure of all scores of one metric; NaN of none.
    public func callAsFunction(_ scores: [Score]) -> Double {
        guard !scores.isEmpty else { return .nan }
        func sum(_ values: [Double]) -> Double { values.reduce(0, +) }
        let (values, weights) = (scores.map(\.value), scores.map(\.weight))
        return switch self {
        case .mean: sum(values) / Double(scores.count)
        case .perplexity: exp(-sum(values) / Double(scores.count))
        case .weightedPerplexity: exp(-sum(values) / sum(weights))
        case .bitsPerByte: -sum(values) / sum(weights) / log(2)
        case .macroF1: Aggregation.macroF1(values, weights)
        }
    }

    /// The standard error of the figure in closed form, as the harness gives it for means: the deviation of the sample
    /// (n - 1) by the root of n; nil where it has none, or for fewer than two scores.
    public func standardError(_ scores: [Score]) -> Double? {
        guard self == .mean, scores.count > 1 else { return nil }
        let mean = self(scores)
        let squares = scores.reduce(0) { $0 + ($1.value - mean) * ($1.value - mean) }
        return (squares / Double(scores.count - 1)).squareRoot() / Double(scores.count).squareRoot()
    }

    private static func macroF1(_ told: [Double], _ gold: [Double]) -> Double {
        let scores = [0.0, 1, 2].map { label in
            let both = zip(told, gold).count { $0 == label && $1 == label }
            let either = told.count { $0 == label } + gold.count { $0 == label }
            return either > 0 ? 2 * Double(both) / Double(either) : 0
        }
        return scores.reduce(0, +) / Double(scores.count)
    }
}
