import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText
import DynamaxTraining
import Foundation
import TestSupport
import Testing

// Oracle: the layers run one by one, some of them left out.

@Suite struct LayerDropoutTests {
    @Test("each step runs the layers that were not left out, as often as their probability says")
    func subsets() throws {
        let folder = try TemporaryFolder()
        try folder.write("story.txt", "The Happy Prince stood high above the city, and the swallow flew to him.")
        let tokenizer = Fixtures.url("tokenizer-training/llama3.json").path
        let fields: JSONObject = [
            "output": "run", "seed": 5, "steps": 200, "tokenizer": .string(tokenizer),
            "model": [
                "config": [
                    "model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
                    "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": true,
                ]
            ],
            "data": ["folder": "corpora", "train": [["path": "story.txt"]]], "batch": ["rows": 1000],
            "optimizer": ["rate": 0], "layer_dropout": ["maximum": 0.6], "checkpoints": ["every": 1000],
        ]
        let json = JSONNode(.object(fields), location: "train.json")
        let device = try Device(threads: 2)
        var trainer = try Trainer(
            TrainingConfiguration(json, folder: folder.path), resumes: false, on: device)
        var losses: [Double] = []
        try trainer.run { event in
            if case .step(let report) = event { losses.append(report.loss) }
        }

        // The model as it was written, which did not move.
        let model = try LanguageModel(
            CheckpointFiles("\(folder.path)/run/checkpoints/last"), on: device)
        let text = try String(contentsOfFile: "\(folder.path)/story.txt", encoding: .utf8)
        let encoder = try Tokenizer(at: tokenizer)
        let tokens = encoder.encode(text) + encoder.eosTokens.prefix(1)
        let stack = model.stack
        var counts = [0, 0, 0, 0]
        let expected = (0..<4).map { subset -> Double in
            var hidden = stack.embed(Array(tokens.dropLast()))
            for layer in 0..<3 where layer == 0 || subset >> (layer - 1) & 1 == 1 {
                hidden = stack.run(layer..<layer + 1, hidden, Batch(stack.makeState(history: 0), rows: hidden.rows))
            }
            let loss = stack.head(hidden).crossEntropy(targets: Array(tokens.dropFirst())).array[0]
            return Double(loss) / Double(hidden.rows)
        }
        for loss in losses {
            let subset = try #require(expected.firstIndex { abs($0 - loss) < 1e-6 }, "\(loss) of \(expected)")
            counts[subset] += 1
        }
        // Probabilities: 0 for the first layer, 0.6 (2^(1/2) - 1) for the second, 0.6 for the last.
        #expect(abs(Double(counts[0] + counts[2]) / 200 - 0.2485) < 0.1)
        #expect(abs(Double(counts[0] + counts[1]) / 200 - 0.6) < 0.1)
    }
}
