import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracle: PyTorch's autograd and AdamW on transformers' models (Tests/Fixtures/Scripts/make_gradient_references.py).

@Suite struct TorchGradientTests {
    /// A model that learns, and the mean cross entropy of the next tokens.
    private struct Learner {
        let parameters = TrainableParameters()
        let model: LanguageModel

        init(_ name: String) throws {
            model = try LanguageModel(
                learning: CheckpointFiles(ReferenceModel.named(name).folder.path), parameters: parameters,
                on: Device(threads: 2))
        }

        func gradients(_ sequences: [[Token]]) -> (loss: Float, gradients: Gradients) {
            let stack = model.stack
            return stack.device.recording {
                let batch = Batch(sequences.map { Batch.Part(stack.makeState(history: 0), rows: $0.count) })
                let hidden = stack.run(0..<stack.layerCount, stack.embed(sequences.flatMap { $0 }), batch)
                let targets = sequences.flatMap { $0.dropFirst() + [-1] }
                let count = sequences.reduce(0) { $0 + $1.count - 1 }
                let weights = Tensor(repeating: 1 / Float(count), [targets.count], on: stack.device)
                let loss = stack.head(hidden).crossEntropy(targets: targets, weights: weights)
                return (loss.array[0], loss.backward())
            }
        }
    }

    private static func url(_ name: String) -> URL { Fixtures.url("gradient-references/\(name)") }

    @Test(
        "gradients of all parameters equal PyTorch's",
        arguments: [
            "llama-gqa", "llama-tied", "llama-bias", "mistral-window", "qwen2", "qwen3", "mamba", "mamba2-groups",
            "mamba2-limit", "falcon-mamba",
        ])
    func equalsTorch(_ name: String) throws {
        let learner = try Learner(name)
        let file = try SafetensorsFile(TorchGradientTests.url("\(name).safetensors").path)
        let tokens = try file.require("tokens")
        let numbers = try tokens.integers().map(Token.init)
        let sequences = stride(from: 0, to: numbers.count, by: tokens.columns).map {
            Array(numbers[$0..<$0 + tokens.columns])
        }
        let (loss, gradients) = learner.gradients(sequences)
        #expect(abs(loss - (try file.require("loss").floats()[0])) < 1e-5 * loss)
        var compared = 0
        for entry in learner.parameters.entries {
            let gradient = try #require(gradients[entry.tensor])
            for (name, numbers, shape) in entry.stored(gradient) {
                let expected = try file.require(name, shape: shape).floats()
                #expect(relativeError(numbers, expected) < 1e-4, "\(name)")
                compared += 1
            }
        }
        #expect(compared == file.tensorNames.count - 2)
    }

    /// In mixed precision the curve is not PyTorch's f32 curve, but near it: measured, at most 0.018 off.
    @Test(
        "fifty steps of AdamW have PyTorch's losses", arguments: ["llama-gqa", "mamba2-groups"],
        [(Precision.f32, Float(1e-3)), (.bf16, 3e-2)])
    func learningCurve(_ name: String, _ precision: (kind: Precision, bound: Float)) throws {
        let expected = try JSONNode(contentsOf: TorchGradientTests.url("\(name).curve.json").path).array("losses")
            .map { try Float($0.double()) }
        let learner = try Learner(name)
        let entries = learner.parameters.entries
        let device = learner.model.stack.device
        let means = entries.map { Tensor(zeros: $0.tensor.shape, on: device) }
        let squares = entries.map { Tensor(zeros: $0.tensor.shape, on: device) }
        for step in 0..<expected.count {
            let (loss, gradients) = device.multiplying(in: precision.kind) { learner.gradients(sequences(step)) }
            #expect(abs(loss - expected[step]) < precision.bound, "step \(step): \(loss), PyTorch \(expected[step])")
            let all = try entries.map { try #require(gradients[$0.tensor]) }
            // As torch.nn.utils.clip_grad_norm_ with a bound of 1.
            let norm = all.reduce(0) { $0 + $1.squaredNorm }.squareRoot()
            let settings = AdamStep(
                rate: 1e-3, decay: 0.1, beta1: 0.9, beta2: 0.95, gradientScale: Float(min(1, 1 / (norm + 1e-6))))
            for (index, entry) in entries.enumerated() {
                entry.tensor.move(
                    settings, number: step + 1, gradient: all[index], mean: means[index], square: squares[index])
            }
        }
    }

    @Test("a Mamba that begins to learn has the names of Hugging Face")
    func names() throws {
        let files = try CheckpointFiles(ReferenceModel.named("mamba2-groups").folder.path)
        let parameters = TrainableParameters()
        _ = try LanguageModel(learning: files.requireConfig(), seed: 1, parameters: parameters, on: Device(threads: 1))
        let names = parameters.entries.flatMap { $0.parameters.map(\.name) }
        #expect(names.sorted() == (try files.tensors().tensorNames.sorted()))
    }

    /// The batches of the script's `batch`.
    private func sequences(_ step: Int) -> [[Token]] {
        (0..<4).map { s in
            (0..<24).map { t in Token((7 + 31 * step + 17 * s + (t * t + 3 * t) * (1 + (s + step) % 3)) % 96) }
        }
    }
}
