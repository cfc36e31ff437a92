import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxTraining
import Foundation
import TestSupport
import Testing

// Oracle: the definition (Sorted LLaMA, section 3): sub-models share norm and head, and their losses are added up. So the gradient is the
// sum of the gradients of the single losses, each taken by a run of its own.

@Suite struct SortedLossTests {
    @Test(
        "the gradient of the sorted loss is the sum of those of its sub-models",
        arguments: ["llama-gqa", "llama-tied", "mamba", "mamba2-groups"])
    func gradients(_ name: String) throws {
        let device = try Device(threads: 2)
        let parameters = TrainableParameters()
        let files = try CheckpointFiles(ReferenceModel.named(name).folder.path)
        let model = try LanguageModel(learning: files, parameters: parameters, on: device)
        var random = Seeded(3)
        var batch = TokenBatch()
        batch.inputs = (0..<24).map { _ in Token.random(in: 3..<96, using: &random) }
        batch.targets = (0..<24).map { _ in Token.random(in: 3..<96, using: &random) }
        batch.pieces = [10, 14]
        func gradients(_ depths: [(depth: Int, weight: Double)]) -> [[Float]] {
            let found = device.recording { DepthLosses(model: model, batch: batch)(depths).total.backward() }
            return parameters.entries.map {
                found[$0.tensor]?.array ?? [Float](repeating: 0, count: $0.tensor.shape.count)
            }
        }
        let depths = ExitWeights(.uniform, depths: [1, 2], layers: 3).weights(at: 0, of: 1)
        #expect(depths.map(\.depth) == [1, 2, 3])
        let sum = gradients(depths)
        let single = depths.map { gradients([$0]) }
        for (index, entry) in parameters.entries.enumerated() {
            let largest = sum[index].map(abs).max() ?? 0
            for number in sum[index].indices {
                let added = single.reduce(0) { $0 + $1[index][number] }
                #expect(abs(sum[index][number] - added) <= 1e-5 * max(largest, 1e-3), "\(entry)")
            }
        }
        // Upper layers learn nothing from a lower sub-model, and the shared head learns from each.
        let learned = zip(parameters.entries, single[0]).filter { $1.contains { $0 != 0 } }.count
        #expect(learned > 0 && learned < parameters.entries.count)
    }
}
