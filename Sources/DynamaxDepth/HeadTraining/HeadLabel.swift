/// When a row counts as one that may leave.
public enum HeadLabel: Hashable, Sendable {
    /// The exit's most probable token is among the full model's k most probable ones (DYNAMAX, section 3; 1: the same token, as
    /// in CALM, section 3.4).
    case topK(Int)
    /// KL(full || exit) is at most this, in nats.
    case divergence(Float)

    /// Reads `argmax`, `top:K` or `kl:T`.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        switch (parts.first, parts.count) {
        case ("argmax", 1): self = .topK(1)
        case ("top", 2):
            guard let k = Int(parts[1]), k >= 1 else { return nil }
            self = .topK(k)
        case ("kl", 2):
            guard let bound = Float(parts[1]), bound >= 0, bound.isFinite else { return nil }
            self = .divergence(bound)
        default: return nil
        }
    }

    func holds(_ view: ExitTrace.View) -> Bool {
        switch self {
        case .topK(let k): Int(view.rank) < k
        case .divergence(let bound): view.divergence <= bound
        }
    }
}

/// What an exit's loss weighs in the sum over all exits.
public enum HeadWeights: String, CaseIterable, Sendable {
    case uniform
    /// Falling with depth, linearly: early exits save most (DYNAMAX, section 3).
    case decaying
    /// Rising with depth, linearly.
    case growing

    /// The weights of so many exits; they add up to 1.
    public func values(_ count: Int) -> [Double] {
        let raw: [Double] =
            switch self {
            case .uniform: Array(repeating: 1, count: count)
            case .decaying: (0..<count).map { Double(count - $0) }
            case .growing: (0..<count).map { Double($0 + 1) }
            }
        let sum = raw.reduce(0, +)
        return raw.map { $0 / sum }
    }
}
