/// How the next token is drawn from the logits.
public struct Sampling: Hashable, Sendable {
    /// Divides the logits; 0 takes the most probable token.
    public var temperature: Float
    /// Keeps the k most probable tokens; nil for all.
    public var topK: Int?
    /// Keeps the most probable tokens until they hold this share of the probability; 1 for all.
    public var topP: Float
    /// Drops tokens less probable than this share of the most probable one's; 0 for none.
    public var minP: Float
    /// Divides the logits of tokens that the sequence already has, and multiplies those below zero, before all else and for
    /// greedy decoding too; 1 for no penalty (Keskar et al. 2019, CTRL, section 4.1, as transformers applies it).
    public var repetitionPenalty: Float
    /// Where the random numbers start.
    public var seed: UInt64

    /// Takes the most probable token each time.
    public static let greedy = Sampling(temperature: 0)

    /// Takes the settings; greedy by default.
    public init(
        temperature: Float = 0, topK: Int? = nil, topP: Float = 1, minP: Float = 0, repetitionPenalty: Float = 1,
        seed: UInt64 = 0
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.seed = seed
    }

    /// What is wrong with the settings, as a sentence; nil if nothing is.
    public var problem: String? {
        if !(temperature >= 0 && temperature.isFinite) {
            return "the temperature must be 0 or more, not \(temperature)"
        }
        if let topK, topK < 1 { return "top-k must be 1 or more, not \(topK)" }
        if !(topP > 0 && topP <= 1) { return "top-p must lie above 0 and at most at 1, not \(topP)" }
        if !(minP >= 0 && minP <= 1) { return "min-p must lie between 0 and 1, not \(minP)" }
        if !(repetitionPenalty > 0 && repetitionPenalty.isFinite) {
            return "the repetition penalty must be above 0, not \(repetitionPenalty)"
        }
        return nil
    }
}
