import DynamaxModels
import DynamaxTensor

/// What an exit with a gate says of a position, beside what the full model says.
struct GateReading {
    /// Cross entropy with the full model's most probable token, in nats.
    let loss: Float
    /// Whether the exit's most probable token is that one.
    let agrees: Bool
    let statistics: GateStatistics
    /// What the gate asks for, 0 to 1.
    let gate: Float
}

extension GateHead {
    /// Reads rows that have just left the exit's layer, [rows, width], without the tape.
    func read(_ hidden: Tensor, _ targets: [ExitTrace.Target], _ stack: any LayerStack) -> [GateReading] {
        hidden.device.notRecording {
            let logits = stack.head(translate(hidden))
            let summaries = logits.summarizedLogits()
            let statistics = GateStatistics.of(logits, summaries)
            let gates = judge(statistics, on: hidden.device).array.map(sigmoid)
            return targets.indices.map { row in
                let token = targets[row].token
                let logit = token < 0 ? .nan : logits.withRow(row) { $0[Int(token)] }
                return GateReading(
                    loss: summaries[row].logSumExp - logit, agrees: summaries[row].argmax == token,
                    statistics: statistics[row], gate: gates[row])
            }
        }
    }
}

extension ExitHeads {
    /// The gates of the exits, in the order of the layers; the heads are of this kind.
    var gates: [GateHead] { manifest.layers.compactMap { heads[$0] as? GateHead } }
}
