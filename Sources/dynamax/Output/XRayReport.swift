import DynamaxDepth
import DynamaxEvaluation
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText

/// The page that `generate --report` writes.
struct XRayReport {
    let name: String
    let model: LanguageModel
    let tokenizer: Tokenizer?
    let prompt: [Token]
    let guarantee: Guarantee
    let decoder: any Decoder
    let sampling: Sampling
    let limits: Generation.Limits

    func write(_ run: GenerationRun, to path: String) throws {
        let xray = try TextXRay(
            model, prompt: prompt, text: run.written, way: DecodingWay(decoder),
            heads: (decoder as? any ExitingDecoder)?.policy.heads, sampling: sampling, limits: limits)
        let page = XRayPage(
            xray, prompt: try tokenizer?.decode(prompt) ?? prompt.map(String.init).joined(separator: " ") + " ",
            texts: run.texts, facts: facts, piece: piece)
        try FileOutput.replace(path, with: Array(page.text.utf8))
    }

    private func piece(_ token: Token) -> String {
        tokenizer.flatMap { tokenizer in
            (try? tokenizer.bytes(token)).map { String(decoding: $0, as: UTF8.self) }
        } ?? "\(token)"
    }

    private var facts: [(name: String, value: String)] {
        let device = model.stack.device
        var facts = [
            ("model", name), ("family", "\(model.family), \(model.stack.layerCount) layers"),
            ("weights", "\(model.format), \(byteCount(model.weightBytes))"),
            ("machine", "\(device.instructionSetName), \(device.threads) threads"), ("guarantee", guarantee.rawValue),
        ]
        if let policy = (decoder as? any ExitingDecoder)?.policy {
            let layers = policy.layers.map(String.init).joined(separator: ", ")
            facts += [("exit", "\(policy.score)"), ("exits after layers", layers)]
        }
        if let few = (decoder as? SelfSpeculativeDecoder)?.draftVocabulary {
            facts.append(("drafts are", "among the first \(few) tokens of the vocabulary"))
        }
        if case .exits(let rule) = DecodingWay(decoder) { facts.append(("states above an exit", rule.rawValue)) }
        let drawn =
            sampling.temperature == 0
            ? "the most probable token" : "temperature \(sampling.temperature), seed \(sampling.seed)"
        let penalty = sampling.repetitionPenalty == 1 ? "" : ", penalty for repetition \(sampling.repetitionPenalty)"
        return facts + [("tokens are", drawn + penalty), ("prompt", "\(prompt.count) tokens")]
    }
}
