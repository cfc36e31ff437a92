import DynamaxLayers
import DynamaxModels
import DynamaxTensor
import Foundation

/// Measures a model beside what the machine can do at best, in turns, so that both meet the same machine.
///
/// Decoding reads all weights for each token, so reading bounds it; a prompt multiplies each weight by many rows.
struct LimitBenchmark {
    let model: LanguageModel
    let prompt: Int
    let tokens: Int
    let repetitions: Int

    /// Decoding and reading take turns of so many seconds.
    private static let turn = 0.1

    /// What was found.
    struct Report: Encodable {
        /// Bytes that all threads read in a second.
        let readBytesPerSecond: BenchReport.Rate
        /// Multiply-adds of all threads in a second, for what the model's weights are multiplied as.
        let multiplyAddsPerSecond: BenchReport.Rate
        /// What was multiplied for them: int8, bf16 or f32.
        let operand: String
        /// Multiply-adds that the ledger counts for the prompt, beside the limit.
        let prefillShare: BenchReport.Rate?
        /// Bytes of weights and states that the ledger counts for the tokens, beside the limit.
        let decodeShare: BenchReport.Rate?

        var text: String {
            let operand = operand.padding(toLength: 4, withPad: " ", startingAt: 0)
            var lines = [
                "limits        \(readBytesPerSecond.scaled(by: 1e-9).text("GB/s read"))",
                "              \(multiplyAddsPerSecond.scaled(by: 1e-9).text("G multiply-adds/s of \(operand)"))",
            ]
            if let prefillShare { lines.append("prefill share \(prefillShare.text("of multiply-adds"))") }
            if let decodeShare { lines.append("decode share  \(decodeShare.text("of GB/s read"))") }
            return lines.joined(separator: "\n")
        }
    }

    func report() -> Report {
        let limits = MachineLimits(of: model.stack.device)
        let operand = operand(limits)
        var (reads, multiplications, prefills, decodes) = ([Double](), [Double](), [Double](), [Double]())
        for round in 0...repetitions {
            let prefill = prefillTurns(limits, operand), decode = decodeTurns(limits)
            guard round > 0 else { continue }
            reads.append(decode.limit.rate)
            multiplications.append(prefill.limit.rate)
            prefills.append(prefill.work.rate / prefill.limit.rate)
            decodes.append(decode.work.rate / decode.limit.rate)
        }
        return Report(
            readBytesPerSecond: .init(reads), multiplyAddsPerSecond: .init(multiplications), operand: "\(operand)",
            prefillShare: prompt > 0 ? .init(prefills) : nil, decodeShare: tokens > 0 ? .init(decodes) : nil)
    }

    private typealias Turns = (work: MachineLimits.Measurement, limit: MachineLimits.Measurement)

    /// What the weights are multiplied as, by the best instructions there are.
    private func operand(_ limits: MachineLimits) -> MachineLimits.Operand {
        switch model.format {
        case .int8, .int4: .int8
        case .bf16 where limits.multiply(.bf16, for: 0) != nil: .bf16
        case .bf16, .f16, .f32: .f32
        }
    }

    /// A prompt, between two halves of a measurement of multiply-adds.
    private func prefillTurns(_ limits: MachineLimits, _ operand: MachineLimits.Operand) -> Turns {
        var turns: Turns = (.init(), .init())
        turns.limit += limits.multiply(operand, for: Self.turn)!
        guard prompt > 0 else { return turns }
        let rows = Benchmark.someTokens(prompt, of: model.stack.vocabularySize)
        let start = ContinuousClock.now
        let cost = model.stack.prefill(rows, model.stack.makeState(history: 0)).ledger.cost
        turns.work.seconds = start.duration(to: .now).seconds
        turns.work.amount = Double(cost.multiplyAdds)
        turns.limit += limits.multiply(operand, for: Self.turn)!
        return turns
    }

    /// Tokens that follow the prompt, in turns with reading.
    private func decodeTurns(_ limits: MachineLimits) -> Turns {
        var turns: Turns = (.init(), .init())
        let decoder = FullDepthDecoder(model.stack)
        let state = model.stack.makeState(history: 0)
        if prompt > 0, tokens > 0 {
            _ = model.stack.prefill(Benchmark.someTokens(prompt, of: model.stack.vocabularySize), state)
        }
        var rest = Benchmark.someTokens(tokens, of: model.stack.vocabularySize)[...]
        repeat {
            turns.limit += limits.read(for: Self.turn)
            let start = ContinuousClock.now
            var seconds = 0.0
            while seconds < Self.turn, let token = rest.popFirst() {
                turns.work.amount += Double(decoder.step(token, state).ledger.cost.bytes)
                seconds = start.duration(to: .now).seconds
            }
            turns.work.seconds += seconds
        } while !rest.isEmpty
        return turns
    }
}
