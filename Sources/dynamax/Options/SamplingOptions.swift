import ArgumentParser
import DynamaxFormats
import DynamaxModels

/// How tokens are drawn. What is not given comes from generation_config.json where it asks for sampling; else the most
/// probable token is taken. The penalty for repetition comes from there in both cases, as in transformers.
struct SamplingOptions: ParsableArguments {
    @Option(
        name: [.customLong("temp"), .customLong("temperature")], parsing: .unconditional,
        help: "Divides the logits; 0: greedy.")
    var temperature: Float?

    @Option(parsing: .unconditional, help: "Keep the k most probable tokens.")
    var topK: Int?

    @Option(parsing: .unconditional, help: "Keep the most probable tokens that hold this share of the probability.")
    var topP: Float?

    @Option(parsing: .unconditional, help: "Drop tokens less probable than this share of the most probable one's.")
    var minP: Float?

    @Option(
        parsing: .unconditional,
        help: """
            Divides the logits of tokens that prompt or text already have (multiplies those below zero); 1: no penalty. \
            By default what generation_config.json says.
            """)
    var repetitionPenalty: Float?

    @Option(parsing: .unconditional, help: "Where the random numbers start.")
    var seed: UInt64 = 0

    func validate() throws {
        if let problem = sampling(GenerationConfig()).problem { throw ValidationError(problem) }
    }

    func sampling(_ defaults: GenerationConfig) -> Sampling {
        let samples = defaults.doSample ?? false
        let givenK = topK ?? (samples ? defaults.topK : nil)
        return Sampling(
            temperature: temperature ?? (samples ? Float(defaults.temperature ?? 1) : 0),
            topK: givenK == 0 ? nil : givenK,
            topP: topP ?? (samples ? Float(defaults.topP ?? 1) : 1),
            minP: minP ?? (samples ? Float(defaults.minP ?? 0) : 0),
            repetitionPenalty: repetitionPenalty ?? Float(defaults.repetitionPenalty ?? 1), seed: seed)
    }
}
