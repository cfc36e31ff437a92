import DynamaxLayers
import DynamaxModels

/// What `generate --json` prints.
struct GenerationReport: Encodable {
    struct TokenReport: Encodable {
        let id: Int32
        var text: String
        let layer: Int
        let score: Float?

        private enum CodingKeys: CodingKey { case id, text, layer, score }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(id, forKey: .id)
            try container.encode(text, forKey: .text)
            try container.encode(layer, forKey: .layer)
            try container.encode(score, forKey: .score)  // null without exits
        }
    }

    struct Layers: Encodable {
        let mean: Double
        let of: Int
    }

    struct Usage: Encodable {
        let promptTokens: Int
        let completionTokens: Int
        let totalTokens: Int
    }

    struct Timings: Encodable {
        let loadMs: Double
        let prefillTps: Double
        let decodeTps: Double
    }

    /// Counts of the tokens after the prompt.
    struct LedgerReport: Encodable {
        let layerRows: Int
        let catchUpRows: Int
        let stateOnlyRows: Int
        let headRows: Int
        let exitHeadRows: Int
        let draftedTokens: Int
        let acceptedTokens: Int
        let bytes: Int
        let multiplyAdds: Int

        init(_ ledger: Ledger) {
            layerRows = ledger.layerRows
            catchUpRows = ledger.catchUpRows
            stateOnlyRows = ledger.stateOnlyRows
            headRows = ledger.headRows
            exitHeadRows = ledger.exitHeadRows
            draftedTokens = ledger.draftedTokens
            acceptedTokens = ledger.acceptedTokens
            bytes = ledger.cost.bytes
            multiplyAdds = ledger.cost.multiplyAdds
        }
    }

    let model: String
    let text: String
    let tokens: [TokenReport]
    let layers: Layers
    let usage: Usage
    let timings: Timings
    let ledger: LedgerReport
}
