import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracle: central differences of the loss itself, in steps that suit f32; PyTorch's gradients are compared in
// TorchGradientTests.

@Suite struct GradientTests {
    /// A model with two ragged sequences and its loss.
    private struct Problem {
        let model: LanguageModel
        let parameters: TrainableParameters
        let sequences: [[Token]] = [[5, 9, 40, 3, 77, 12, 60, 31, 9], [8, 8, 20, 44, 90]]

        init(_ name: String) throws {
            parameters = TrainableParameters()
            model = try LanguageModel(
                learning: CheckpointFiles(ReferenceModel.named(name).folder.path), parameters: parameters,
                on: Device(threads: 2))
        }

        func loss(checkpointed: Bool = false) -> Tensor {
            let stack = model.stack
            func batch() -> Batch {
                Batch(sequences.map { Batch.Part(stack.makeState(history: 0), rows: $0.count) })
            }
            var hidden = stack.embed(sequences.flatMap { $0 })
            if checkpointed {
                for layer in 0..<stack.layerCount {
                    hidden = hidden.checkpointed { stack.run(layer..<layer + 1, $0, batch()) }
                }
            } else {
                hidden = stack.run(0..<stack.layerCount, hidden, batch())
            }
            let targets = sequences.flatMap { $0.dropFirst() + [-1] }
            return stack.head(hidden).crossEntropy(targets: targets)
        }
    }

    @Test(
        "gradients of all parameters agree with central differences",
        arguments: [
            "llama-gqa", "llama-tied", "llama-bias", "mistral-window", "qwen3", "mamba", "mamba2-groups",
            "mamba2-limit", "falcon-mamba",
        ])
    func centralDifferences(_ name: String) throws {
        let problem = try Problem(name)
        let device = problem.model.stack.device
        let gradients = device.recording { problem.loss().backward() }
        var random = Seeded(1)
        for entry in problem.parameters.entries {
            let gradient = try #require(gradients[entry.tensor], "\(entry.parameters[0].name)")
            #expect(gradient.shape.count == entry.tensor.shape.count)
            // The derivative along a random direction, and along the gradient itself, where it is largest.
            for alongGradient in [false, true] {
                let numbers = gradient.array
                let norm = numbers.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                let direction =
                    alongGradient
                    ? numbers.map { $0 / Float(max(norm, 1e-12)) }
                    : (0..<numbers.count).map { _ in
                        Float.random(in: -1...1, using: &random) / Float(numbers.count).squareRoot()
                    }
                let expected = zip(numbers, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                // Small enough for the curvature, large enough for the rounding of the loss.
                let step = Float(0.04 / max(10, abs(expected)))
                let before = entry.tensor.array
                func loss(_ factor: Float) -> Double {
                    entry.tensor.update { target in
                        for index in before.indices { target[index] = before[index] + factor * direction[index] }
                    }
                    return Double(problem.loss().array[0])
                }
                // Fourth-order differences.
                let derivative =
                    (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / Double(12 * step)
                entry.tensor.update { target in for index in before.indices { target[index] = before[index] } }
                #expect(
                    abs(derivative - expected) <= 1e-3 * max(abs(expected), norm, 1),
                    "\(entry.parameters[0].name): \(derivative) and \(expected)")
            }
        }
    }

    @Test("checkpointing changes no gradient", arguments: ["llama-gqa", "mamba", "mamba2-groups"])
    func checkpointing(_ name: String) throws {
        let problem = try Problem(name)
        let device = problem.model.stack.device
        let plain = device.recording { problem.loss().backward() }
        let saved = device.recording { problem.loss(checkpointed: true).backward() }
        for entry in problem.parameters.entries {
            #expect(plain[entry.tensor]?.array == saved[entry.tensor]?.array, "\(entry.parameters[0].name)")
        }
    }

    @Test("learning and inference compute the same numbers", arguments: ["llama-gqa", "mamba2-groups"])
    func sameForward(_ name: String) throws {
        let problem = try Problem(name)
        let inference = try ReferenceModel.named(name).load(on: problem.model.stack.device)
        let tokens = problem.sequences[0]
        let expected = inference.append(tokens, to: inference.stack.makeState(history: 0))
        let recorded = problem.model.stack.device.recording {
            problem.model.append(tokens, to: problem.model.stack.makeState(history: 0))
        }
        #expect(recorded == expected)
    }
}
