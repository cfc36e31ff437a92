import DynamaxTensor

/// How an exit judges whether a row may leave: a score and the threshold that it must pass.
///
/// Softmax response, saturation: Schuster et al. 2022 (CALM), section 3.4.
public enum ExitScore: Hashable, Sendable, CustomStringConvertible {
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
    /// The largest probability among the few tokens that the first exit found most probable is at least this.
    case reduced(Float)
    /// A learned head is at least this sure.
    case heads(Float)

    /// Reads `depth:D`, `softmax:T`, `margin:T`, `entropy:T`, `saturation:T`, `reduced:T` or `heads:T`.
    public init(_ spec: String) throws(ExitError) {
        let parts = spec.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { throw .malformed(spec) }
        if parts[0] == "depth" {
            guard let depth = Int(parts[1]), depth >= 1 else { throw .malformed(spec) }
            self = .depth(depth)
            return
        }
        guard let threshold = Float(parts[1]), threshold.isFinite else { throw .malformed(spec) }
        guard let kind = Kind(rawValue: parts[0]) else { throw .malformed(spec) }
        self = kind.score(threshold)
    }

    /// What is compared with a threshold.
    public enum Kind: String, CaseIterable, Sendable {
        case softmax, margin, entropy, saturation, reduced, heads

        /// The score with a threshold.
        public func score(_ threshold: Float) -> ExitScore {
            switch self {
            case .softmax: .softmax(threshold)
            case .margin: .margin(threshold)
            case .entropy: .entropy(threshold)
            case .saturation: .saturation(threshold)
            case .reduced: .reduced(threshold)
            case .heads: .heads(threshold)
            }
        }

        /// Whether rows of a larger score leave.
        public var largerIsSurer: Bool { self != .entropy }

        /// Thresholds to try, from the one that lets the fewest rows go on.
        public var thresholds: [Float] {
            switch self {
            case .softmax, .reduced, .heads: [0.999, 0.995, 0.99, 0.98, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
            case .margin: [0.999, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
            case .entropy: [0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3]
            case .saturation: [0.9999, 0.9995, 0.999, 0.998, 0.995, 0.99, 0.98, 0.95, 0.9]
            }
        }
    }

    /// What is compared with the threshold; nil for a fixed depth.
    public var kind: Kind? {
        switch self {
        case .depth: nil
        case .softmax: .softmax
        case .margin: .margin
        case .entropy: .entropy
        case .saturation: .saturation
        case .reduced: .reduced
        case .heads: .heads
        }
    }

    /// The threshold; nil for a fixed depth.
    public var threshold: Float? {
        switch self {
        case .depth: nil
        case .softmax(let threshold), .margin(let threshold), .entropy(let threshold), .saturation(let threshold),
            .reduced(let threshold), .heads(let threshold):
            threshold
        }
    }

    /// The same with another threshold.
    public func with(threshold: Float) -> ExitScore { kind?.score(threshold) ?? self }

    /// As `init(_:)` reads it.
    public var description: String {
        if case .depth(let depth) = self { return "depth:\(depth)" }
        return "\(kind?.rawValue ?? ""):\(threshold ?? 0)"
    }

    /// Whether scoring a row takes its logits.
    var needsLogits: Bool {
        switch self {
        case .softmax, .margin, .entropy, .reduced: true
        case .depth, .saturation, .heads: false
        }
    }

    /// The score of a row from its logits.
    func value(_ summary: LogitSummary) -> Float {
        switch self {
        case .softmax: exponential(summary.maximum - summary.logSumExp)
        case .margin:
            exponential(summary.maximum - summary.logSumExp) - exponential(summary.second - summary.logSumExp)
        case .entropy: summary.entropy
        case .depth, .saturation, .reduced, .heads: 1
        }
    }

    /// Whether a row of this score leaves; NaN never does.
    package func passes(_ score: Float) -> Bool {
        guard let kind, let threshold else { return true }
        return kind.largerIsSurer ? score >= threshold : score <= threshold
    }
}

/// Why exits cannot be set as asked.
public enum ExitError: Error, Equatable, CustomStringConvertible {
    case malformed(String)
    case layer(Int, layers: Int)
    case noneGiven
    case noHeads
    case noHead(Int, known: [Int])
    case stateRule(StateRule, fitting: [StateRule])
    case pacing(String)

    public var description: String {
        switch self {
        case .malformed(let spec):
            "the exit \(spec) must be depth:D, softmax:T, margin:T, entropy:T, saturation:T, reduced:T or heads:FILE@T, "
                + "with a number of layers D and a threshold T"
        case .stateRule(let rule, let fitting):
            "the state rule \(rule.rawValue) is for \(rule == .copy ? "attention" : "recurrent") layers, and this model has "
                + "\(rule == .copy ? "recurrent" : "attention") layers: choose "
                + fitting.map(\.rawValue).joined(separator: ", ")
        case .pacing(let problem): problem
        case .noneGiven: "the model says nothing about exits, so --exit has to say when tokens leave"
        case .noHeads: "an exit that learned heads judge needs their file"
        case .noHead(let layer, let known):
            "there is no head after layer \(layer), only after \(known.map(String.init).joined(separator: ", "))"
        case .layer(let layer, let layers):
            "an exit after layer \(layer) is not possible: the model has \(layers) layers, exits lie after 1 to \(layers)"
        }
    }
}
