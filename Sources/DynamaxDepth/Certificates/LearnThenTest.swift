import Foundation

/// Risk control by testing thresholds one after the other (Angelopoulos et al. 2021, "Learn then test"; for early exits:
/// Schuster et al. 2022, CALM, section 4).
///
/// Losses lie in 0 ... 1, one for each of n independent prompts. A threshold passes if the hypothesis that its expected
/// loss lies above delta is rejected at level epsilon. Thresholds are tested in a fixed order, from the safest on, and
/// the first that does not pass ends the test; so the chance that any of those that passed has a loss above delta is at most
/// epsilon.
public struct LearnThenTest: Hashable, Sendable {
    /// How the evidence against a threshold is weighed.
    public enum PValue: String, CaseIterable, Sendable {
        /// exp(-2 n (delta - loss)^2) where the loss lies below delta.
        case hoeffding
        /// The smaller one of Hoeffding's bound in its relative-entropy form and Bentkus' e P(Binomial(n, delta) <= n loss)
        /// (Bates et al. 2021).
        case hoeffdingBentkus = "hoeffding-bentkus"
    }

    /// The bound on the expected loss.
    public let delta: Double
    /// The chance that the bound is wrong.
    public let epsilon: Double
    public let pValue: PValue

    /// - Throws: `CertificateError.settings` unless delta and epsilon lie between 0 and 1.
    public init(delta: Double, epsilon: Double, pValue: PValue = .hoeffdingBentkus) throws(CertificateError) {
        for (name, value) in [("delta", delta), ("epsilon", epsilon)] where !(value > 0 && value < 1) {
            throw .settings("\(name) must lie between 0 and 1, not \(value)")
        }
        self.delta = delta
        self.epsilon = epsilon
        self.pValue = pValue
    }

    /// The chance of a mean loss as low as this, if the expected loss were delta.
    public func probability(ofMeanLoss loss: Double, prompts n: Int) -> Double {
        let gap = max(0, delta - loss)
        switch pValue {
        case .hoeffding: return exp(-2 * Double(n) * gap * gap)
        case .hoeffdingBentkus:
            let entropy = relativeEntropy(min(loss, delta), delta)
            let hits = Int((Double(n) * loss).rounded(.up))
            return min(1, exp(-Double(n) * entropy), exp(1) * binomial(atMost: hits, of: n, delta))
        }
    }

    /// How many prompts it takes at least to let a threshold pass that never errs.
    public var fewestPrompts: Int {
        let needed: Double =
            switch pValue {
            case .hoeffding: -log(epsilon) / (2 * delta * delta)
            case .hoeffdingBentkus: log(epsilon) / log1p(-delta)
            }
        return Int(needed.rounded(.up))
    }

    /// The last of the thresholds that pass, or nil if the first one does not.
    ///
    /// - Parameters:
    ///   - thresholds: how many there are, from the safest on.
    ///   - losses: gives those of a threshold, each in 0 ... 1; asked for one threshold after the other, and no more than are needed.
    public func lastPassing(
        of thresholds: Int, losses: (_ threshold: Int) throws -> [Double]
    ) rethrows -> (threshold: Int, meanLoss: Double, probability: Double)? {
        var last: (Int, Double, Double)?
        for threshold in 0..<thresholds {
            let values = try losses(threshold)
            precondition(!values.isEmpty && values.allSatisfy { (0...1).contains($0) })
            let mean = values.reduce(0, +) / Double(values.count)
            let probability = probability(ofMeanLoss: mean, prompts: values.count)
            guard probability <= epsilon else { break }
            last = (threshold, mean, probability)
        }
        return last
    }

    /// a ln(a / b) + (1 - a) ln((1 - a) / (1 - b))
    private func relativeEntropy(_ a: Double, _ b: Double) -> Double {
        (a > 0 ? a * log(a / b) : 0) + (a < 1 ? (1 - a) * log((1 - a) / (1 - b)) : 0)
    }

    /// P(Binomial(n, p) <= k)
    private func binomial(atMost k: Int, of n: Int, _ p: Double) -> Double {
        guard k < n else { return 1 }
        // Logarithms of the terms, each from the one before: the terms themselves may be too small for numbers.
        var (term, sum) = (Double(n) * log1p(-p), 0.0)
        for i in 0...k {
            sum += exp(term)
            term += log(Double(n - i) / Double(i + 1)) + log(p) - log1p(-p)
        }
        return sum
    }
}
