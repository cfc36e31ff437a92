import DynamaxEvaluation
import DynamaxModels
import DynamaxTensor
import DynamaxText
import Foundation

/// A continuation on its way from tokens to text, with the clock running.
struct GenerationRun {
    private let name: String
    private let loaded: ModelOptions.Loaded
    private let promptCount: Int
    private let prefillSeconds: Double
    private let start: ContinuousClock.Instant
    private var end: ContinuousClock.Instant
    private var generation: Generation
    private var detokenizer: StreamingDetokenizer?
    private var tokens: [GenerationReport.TokenReport] = []
    /// The text as the decoder wrote it.
    private(set) var written = WrittenText()

    init(
        name: String, _ loaded: ModelOptions.Loaded, tokenizer: Tokenizer?, prompt: [Token], decoder: any Decoder,
        sampling: Sampling, limits: Generation.Limits
    ) throws {
        let before = ContinuousClock.now
        generation = try Generation(loaded.model, decoder, prompt: prompt, sampling: sampling, limits: limits)
        start = .now
        end = start
        prefillSeconds = before.duration(to: start).seconds
        self.name = name
        self.loaded = loaded
        promptCount = prompt.count
        detokenizer = tokenizer.map { StreamingDetokenizer($0) }
        // What comes first in a text is decoded differently in some vocabularies, and the prompt came first.
        for token in prompt { _ = detokenizer?.append(token) }
    }

    /// The next piece of text and the layer that decided it, or nil at the end.
    mutating func next() throws -> (text: String, layer: Int)? {
        guard let output = try written.next(from: &generation) else {
            let rest = tokens.isEmpty ? "" : detokenizer?.finish() ?? ""
            guard let last = tokens.last, !rest.isEmpty else { return nil }
            tokens[tokens.count - 1].text += rest
            return (rest, last.layer)
        }
        end = .now
        let text = detokenizer?.append(output.token) ?? (tokens.isEmpty ? "" : " ") + String(output.token)
        tokens.append(
            GenerationReport.TokenReport(id: output.token, text: text, layer: output.layer, score: output.score))
        return (text, output.layer)
    }

    /// The part of the text that each token adds.
    var texts: [String] { tokens.map(\.text) }

    private var meanLayers: Double {
        Double(tokens.reduce(0) { $0 + $1.layer }) / Double(max(tokens.count, 1))
    }

    /// Tokens a second after the first, which the prompt has paid for.
    private var decodeRate: Double {
        tokens.count > 1 ? Double(tokens.count - 1) / max(start.duration(to: end).seconds, 1e-9) : 0
    }

    private var prefillRate: Double { Double(promptCount) / max(prefillSeconds, 1e-9) }

    func report() -> GenerationReport {
        GenerationReport(
            model: name, text: tokens.map(\.text).joined(), tokens: tokens,
            layers: .init(mean: meanLayers, of: loaded.model.stack.layerCount),
            usage: .init(
                promptTokens: promptCount, completionTokens: tokens.count, totalTokens: promptCount + tokens.count),
            timings: .init(loadMs: loaded.loadMilliseconds, prefillTps: prefillRate, decodeTps: decodeRate),
            ledger: .init(generation.ledger))
    }

    func summary() -> String {
        let device = loaded.model.stack.device
        let stateOnly = generation.ledger.stateOnlyRows
        return String(
            format: """
                load %8.1f ms   %@ weights of %@%@, %@, %d threads
                prefill %6d tokens %9.1f tokens/s
                decode  %6d tokens %9.1f tokens/s
                layers  %.2f of %d a token, %d rows caught up, %@%d head checks
                """, loaded.loadMilliseconds, loaded.model.format.description,
            byteCount(loaded.model.weightBytes), loaded.model.cacheNote, device.instructionSetName, device.threads,
            promptCount,
            prefillRate, tokens.count, decodeRate, meanLayers, loaded.model.stack.layerCount,
            generation.ledger.catchUpRows, stateOnly > 0 ? "\(stateOnly) moved a state only, " : "",
            generation.ledger.headRows)
    }
}
