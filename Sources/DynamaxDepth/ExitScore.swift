import DynamaxTensor

/// How an exit judges whether a row may leave: a score and the threshold that it must pass.
///
/// Softmax response, saturation: Schuster et al. 2022 (CALM), section 3.4.
public enum ExitScore: Hashable, Sendable {
    /// Always leave after so many layers.
    case depth(Int)
    /// The largest probability is at least this.
    case softmax(Float)
    /// The two largest probabilities differ by at least this.
    case margin(Float)
    /// The entropy of the probabilities, in nats, is at most this.
    case entropy(Float)
    /// The cosine between the rows that enter and leave the last layer is at least this.
    case saturation(Float)

    /// Reads `depth:D`, `softmax:T`, `margin:T`, `entropy:T` or `saturation:T`.
    public init(_ spec: String) throws(ExitError) {
        let parts = spec.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { throw .malformed(spec) }
        if parts[0] == "depth" {
            guard let depth = Int(parts[1]), depth >= 1 else { throw .malformed(spec) }
            self = .depth(depth)
            return
        }
        guard let threshold = Float(parts[1]), threshold.isFinite else { throw .malformed(spec) }
        switch parts[0] {
        case "softmax": self = .softmax(threshold)
        case "margin": self = .margin(threshold)
        case "entropy": self = .entropy(threshold)
        case "saturation": self = .saturation(threshold)
        default: throw .malformed(spec)
        }
    }

    /// Whether scoring a row takes its logits.
    var needsLogits: Bool {
        switch self {
        case .softmax, .margin, .entropy: true
        case .depth, .saturation: false
        }
    }

    /// The score of a row from its logits.
    func value(_ summary: LogitSummary) -> Float {
        switch self {
        case .softmax: exponential(summary.maximum - summary.logSumExp)
        case .margin:
            exponential(summary.maximum - summary.logSumExp) - exponential(summary.second - summary.logSumExp)
        case .entropy: summary.entropy
        case .depth, .saturation: 1
        }
    }

    /// Whether a row of this score leaves; NaN never does.
    func passes(_ score: Float) -> Bool {
        switch self {
        case .depth: true
        case .softmax(let threshold), .margin(let threshold), .saturation(let threshold): score >= threshold
        case .entropy(let threshold): score <= threshold
        }
    }
}

/// Why exits cannot be set as asked.
public enum ExitError: Error, Equatable, CustomStringConvertible {
    case malformed(String)
    case layer(Int, layers: Int)

    public var description: String {
        switch self {
        case .malformed(let spec):
            "the exit \(spec) must be depth:D, softmax:T, margin:T, entropy:T or saturation:T, "
                + "with a number of layers D and a threshold T"
        case .layer(let layer, let layers):
            "an exit after layer \(layer) is not possible: the model has \(layers) layers, exits lie after 1 to \(layers)"
        }
    }
}
