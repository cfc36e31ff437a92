import Foundation

/// How exits change along a text: a threshold that falls, a ceiling on the depth, a mean depth to hold.
public struct Pacing: Hashable, Sendable {
    public var decay: ThresholdDecay?
    public var ceiling: DepthCeiling?
    /// The mean number of layers of a token that thresholds are moved to hold.
    public var meanDepth: Double?

    /// Exits that stay as they are, by default.
    public init(decay: ThresholdDecay? = nil, ceiling: DepthCeiling? = nil, meanDepth: Double? = nil) {
        (self.decay, self.ceiling, self.meanDepth) = (decay, ceiling, meanDepth)
    }

    /// Why it cannot go with a score and a model of so many layers, as a sentence; nil if it can.
    public func problem(with score: ExitScore, layers count: Int) -> String? {
        if decay != nil, score.kind?.largerIsSurer != true {
            return "a threshold can only fall where larger scores are surer and lie between 0 and 1, unlike \(score)"
        }
        if let ceiling, !(1...count).contains(ceiling.first) || !(1...ceiling.first).contains(ceiling.last) {
            return "the ceiling on the depth must fall from at most \(count) layers to at least 1, not \(ceiling)"
        }
        if let meanDepth {
            if case .depth = score { return "a fixed depth leaves no choice to hold a mean depth with" }
            if !(meanDepth >= 1 && meanDepth <= Double(count)) {
                return "the mean depth must lie between 1 and \(count) layers, not \(meanDepth)"
            }
            if decay != nil { return "a threshold that holds a mean depth cannot fall by a rule of its own as well" }
        }
        return nil
    }
}

/// A threshold that falls along a text, for an early mistake harms all that follows (Schuster et al. 2022, CALM, section 3.5).
public struct ThresholdDecay: Hashable, Sendable, CustomStringConvertible {
    /// Which formula.
    public enum Form: String, CaseIterable, Sendable {
        /// 0.9 lambda + 0.1 exp(-tau t / N), cut to 0 ... 1, as the paper has it.
        case paper
        /// 0.9 lambda + 0.1 lambda exp(-tau t / N), as the authors' code has it.
        case released
    }

    public let form: Form
    /// tau: how fast it falls.
    public let rate: Double
    /// N: tokens of the longest text.
    public let length: Int

    /// - Parameters:
    ///   - form: which formula.
    ///   - rate: 0 or more; 4 in the authors' code.
    ///   - length: at least 1.
    public init(_ form: Form = .paper, rate: Double = 4, length: Int) {
        precondition(rate >= 0 && length >= 1)
        (self.form, self.rate, self.length) = (form, rate, length)
    }

    /// The threshold of the token with number `t`, from 0.
    public func threshold(_ base: Float, at t: Int) -> Float {
        let fall = exp(-rate * Double(t) / Double(length))
        switch form {
        case .paper: return Float(min(max(0.9 * Double(base) + 0.1 * fall, 0), 1))
        case .released: return Float(0.9 * Double(base) + 0.1 * Double(base) * fall)
        }
    }

    public var description: String { "\(form.rawValue):\(rate)" }
}

/// The deepest layer that a token may reach, which falls along the text, so that no token needs the state of a layer that one
/// before it has not reached (Del Corro et al. 2023, SkipDecode, section 3).
public struct DepthCeiling: Hashable, Sendable, CustomStringConvertible {
    /// Layers of the first token, and of the last.
    public let first: Int
    public let last: Int
    /// Tokens over which it falls, linearly.
    public let length: Int

    /// Takes depths of at least 1, the first not less than the last, and a length of at least 1.
    public init(from first: Int, to last: Int, over length: Int) {
        (self.first, self.last, self.length) = (first, last, max(length, 1))
    }

    /// Layers that the token with number `t`, from 0, may run through.
    public func depth(at t: Int) -> Int {
        let share = length > 1 ? Double(min(t, length - 1)) / Double(length - 1) : 1
        return first - Int((share * Double(first - last)).rounded(.down))
    }

    public var description: String { "\(first):\(last)" }
}
