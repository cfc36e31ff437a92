import Foundation
import TestSupport
import Testing

// Oracle: the same model in f32, over text that none of the models has learned from. Of the bundled models only the weights in 8 bits
// exist, so theirs is f32 of those: that holds the rounding of activations to account, and of weights to 4 bits, though not of weights to
// 8 bits. stories260K is there in true f32, and holds all three.

/// The head of TinyStories' validation split.
private let heldOutText = "data/corpora/tinystories/tinystories_valid_head.txt"

@Suite(.mayNotHang, .enabled(if: Shared.has(heldOutText)))
struct PerplexityTests {
    private static let small = "models/stories260K"

    struct Model: CustomTestStringConvertible, Sendable {
        let name: String
        let layers: Int

        var testDescription: String { name }
    }

    private static let bundled = [
        Model(name: "stories-llama", layers: 8),
        Model(name: "stories-mamba2", layers: 12),
    ]

    /// Most rows of stories260K have 64 numbers, and stay in 8 bits under q4.
    private static let models =
        bundled + (Shared.has(small) ? [Model(name: Shared.url(small).path, layers: 5)] : [])

    private func perplexity(_ model: Model, _ format: String) async throws -> Double {
        let run = try await Command.run([
            "train", "measure", Shared.url(heldOutText).path, "-m", model.name, "--quantize", format, "--limit", "8000",
            "--depths", String(model.layers), "--json",
        ])
        #expect(run.status == 0, "\(run.errors)")
        let texts = try #require(run.object()["texts"] as? [[String: Any]])
        let depths = try #require(texts[0]["depths"] as? [[String: Any]])
        #expect(depths.count == 1)
        return exp(try #require(depths[0]["nats_per_token"] as? Double))
    }

    @Test("fewer bits hardly change the perplexity of held-out text", arguments: models)
    func bounds(model: Model) async throws {
        let full = try await perplexity(model, "f32")
        let (eight, four) = (try await perplexity(model, "q8"), try await perplexity(model, "q4"))
        #expect(eight != full && abs(eight / full - 1) < 0.005, "8 bits: \(eight) for \(full)")
        #expect(four != eight && four / full - 1 < 0.04, "4 bits: \(four) for \(full)")
    }
}
