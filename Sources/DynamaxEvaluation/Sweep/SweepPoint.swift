public import DynamaxDepth
public import DynamaxFormats
import Foundation

/// What one policy does to prompts: with one threshold, one guarantee and one rule for states.
public struct SweepPoint: Sendable {
    /// The exits, as `--exit` takes them.
    public let exit: String
    /// The kind of exits, which points of one curve share.
    public let kind: String
    public let threshold: Double?
    public let guarantee: SweepGuarantee
    public let state: StateRule
    public let figures: Figures

    /// What was found.
    public struct Figures: Sendable {
        public var prompts: Int
        /// Tokens written after the first of each text.
        public var tokens: Int
        /// Layers of a token before it was decided or drafted.
        public var depth: Estimate
        /// Bytes of weights and states for each token, by the ledger.
        public var bytes: Estimate
        public var fullBytes: Double
        public var tokensPerSecond: Double
        public var fullTokensPerSecond: Double
        /// Tokens a second as a share of the full model's, measured in turns with it.
        public var speed: Estimate
        /// Teacher-forced over the full model's texts: depth, and the share of exits' tokens that are the full model's.
        public var forcedDepth: Estimate
        public var consistency: Estimate
        /// What other ways would have at the same depth.
        public var fixedConsistency: Double
        public var randomConsistency: Double
        public var oracleConsistency: Double
        /// The text beside the full model's: F1 of its tokens, F of the longest common subsequence, the share of equal texts, and the
        /// tokens before the first that differs, or all of them.
        public var tokenF1: Estimate
        public var rougeL: Estimate
        public var exactMatch: Estimate
        public var firstDivergence: Estimate
    }

    /// Takes a policy and what was found about it.
    public init(
        exit: String, kind: String, threshold: Double?, guarantee: SweepGuarantee, state: StateRule, figures: Figures
    ) {
        (self.exit, self.kind, self.threshold) = (exit, kind, threshold)
        (self.guarantee, self.state, self.figures) = (guarantee, state, figures)
    }

    /// Whether it takes longer than the full model.
    public var isSlower: Bool { figures.speed.value < 1 }

    /// All that is known, by the names of the columns of a table.
    public var fields: JSONObject {
        var fields = JSONObject()
        func number(_ name: String, _ value: Double?) {
            // Further digits would only be noise.
            let rounded = value.flatMap { Double(String(format: "%.7g", $0)) }
            fields.set(name, rounded.flatMap { $0.isFinite ? JSON.number($0) : nil } ?? .null)
        }
        func estimate(_ name: String, _ estimate: Estimate) {
            number(name, estimate.value)
            number(name + "_low", estimate.interval?.lowerBound)
            number(name + "_high", estimate.interval?.upperBound)
        }
        fields.set("exit", .string(exit))
        fields.set("kind", .string(kind))
        number("threshold", threshold)
        fields.set("guarantee", .string(guarantee.rawValue))
        fields.set("state", .string(state.rawValue))
        fields.set("prompts", .integer(figures.prompts))
        fields.set("tokens", .integer(figures.tokens))
        estimate("mean_depth", figures.depth)
        estimate("bytes_per_token", figures.bytes)
        number("full_bytes_per_token", figures.fullBytes)
        number("tokens_per_second", figures.tokensPerSecond)
        number("full_tokens_per_second", figures.fullTokensPerSecond)
        estimate("speed_ratio", figures.speed)
        fields.set("slower", .bool(isSlower))
        estimate("forced_depth", figures.forcedDepth)
        estimate("consistency", figures.consistency)
        number("fixed_consistency", figures.fixedConsistency)
        number("random_consistency", figures.randomConsistency)
        number("oracle_consistency", figures.oracleConsistency)
        estimate("token_f1", figures.tokenF1)
        estimate("rouge_l", figures.rougeL)
        estimate("exact_match", figures.exactMatch)
        estimate("first_divergence", figures.firstDivergence)
        return fields
    }
}

/// The guarantees that a sweep compares.
public enum SweepGuarantee: String, CaseIterable, Sendable {
    case none, exact
}
