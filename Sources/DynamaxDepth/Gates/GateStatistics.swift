public import DynamaxTensor

/// How sure an exit's distribution is, in four numbers that a gate reads (Regol et al. 2024, JEI-DNN).
public struct GateStatistics: Hashable, Sendable {
    /// The largest probability.
    public var maximum: Float
    /// The entropy of the probabilities p, in nats.
    public var entropy: Float
    /// The lead of the largest probability over the second.
    public var margin: Float
    /// The entropy of the probabilities p^2 / sum(p^2), in nats: of the same distribution at half the temperature.
    public var sharpEntropy: Float

    /// How many numbers there are.
    static let count = 4
    var array: [Float] { [maximum, entropy, margin, sharpEntropy] }

    /// The statistics of each row of logits.
    public static func of(_ logits: Tensor) -> [GateStatistics] {
        of(logits, logits.summarizedLogits())
    }

    static func of(_ logits: Tensor, _ summaries: [LogitSummary]) -> [GateStatistics] {
        // softmax(2 z) is the softmax of z, squared and scaled to add up to 1.
        let sharp = logits.detached.adding(logits.detached).summarizedLogits()
        return zip(summaries, sharp).map { summary, sharp in
            let maximum = exponential(summary.maximum - summary.logSumExp)
            return GateStatistics(
                maximum: maximum, entropy: summary.entropy,
                margin: maximum - exponential(summary.second - summary.logSumExp), sharpEntropy: sharp.entropy)
        }
    }

    /// The rows that a gate reads, [rows, 4].
    static func tensor(_ statistics: [GateStatistics], on device: Device) -> Tensor {
        Tensor(statistics.flatMap(\.array), Shape(rows: statistics.count, columns: count), on: device)
    }
}
