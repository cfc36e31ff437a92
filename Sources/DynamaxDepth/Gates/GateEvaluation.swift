public import DynamaxModels
import DynamaxTensor

/// What gates would do on a trace: depth and consistency by their hazards, and the objective that they learn for.
public struct GateEvaluation {
    /// Means over tokens.
    public struct Objective: Hashable, Sendable {
        /// Cross entropy with the full model's most probable token, in nats.
        public var loss = 0.0
        /// As a share of the full model's.
        public var cost = 0.0
        /// Layers.
        public var depth = 0.0
        /// Share of tokens that are the full model's most probable one.
        public var consistency = 0.0
        /// loss + cost weight * cost
        public var value = 0.0
    }

    /// [text][exit][row]
    private let readings: [[[GateReading]]]
    /// [text][row]
    private let targets: [[ExitTrace.Target]]
    private let layers: [Int]
    private let layerCount: Int
    private let costs: [Float]
    private let costWeight: Float

    /// Reads a trace.
    ///
    /// - Parameters:
    ///   - heads: gates for the exits of the trace.
    ///   - stack: the model of both.
    public init(
        _ trace: ExitTrace, _ heads: ExitHeads, _ stack: any LayerStack, costs: ExitCosts = .ledger, costWeight: Float
    ) {
        let gates = heads.gates
        precondition(gates.count == trace.layers.count && heads.manifest.layers == trace.layers)
        readings = trace.sequences.map { sequence in
            zip(gates, trace.layers).map { gate, layer in
                stride(from: 0, to: sequence.rows, by: 256).flatMap { start in
                    let rows = start..<min(start + 256, sequence.rows)
                    return gate.read(
                        sequence.rows(rows, after: layer, width: trace.width, on: stack.device),
                        Array(sequence.targets[rows]), stack)
                }
            }
        }
        targets = trace.sequences.map(\.targets)
        (layers, layerCount) = (trace.layers, trace.layerCount)
        self.costs = costs.values(heads, of: stack)
        self.costWeight = costWeight
    }

    /// Where tokens leave by the hazards of their gates.
    public var simulation: ExitSimulation {
        simulation { text in
            var scores = text.map { $0.map { _ in Float(0) } }
            for row in text.first?.indices ?? 0..<0 {
                for (exit, hazard) in ExitHazards.hazards(text.map { $0[row].gate }).enumerated() {
                    scores[exit][row] = hazard
                }
            }
            return scores
        }
    }

    /// Where tokens leave by each gate alone, without hazards.
    public var gateSimulation: ExitSimulation { simulation { $0.map { $0.map(\.gate) } } }

    /// Where tokens leave by the largest probability of what the exits say, without the gates.
    public var softmaxSimulation: ExitSimulation { simulation { $0.map { $0.map(\.statistics.maximum) } } }

    private func simulation(_ scores: ([[GateReading]]) -> [[Float]]) -> ExitSimulation {
        ExitSimulation(
            scores: readings.map(scores), agrees: readings.map { $0.map { $0.map(\.agrees) } }, layers: layers,
            layerCount: layerCount)
    }

    /// The objective when tokens leave by the hazards of their gates.
    public func objective(threshold: Float = ExitHazards.threshold) -> Objective {
        objective { gates, _ in ExitHazards.exit(gates, threshold: threshold) ?? gates.count }
    }

    /// The objective when each token leaves where that is least.
    public var least: Objective {
        objective { _, losses in GateTargets(losses: losses, costs: costs, costWeight: costWeight).best }
    }

    /// The objective when all tokens leave at one exit, counted from 0; the number of exits is the last layer.
    public func objective(exit: Int) -> Objective { objective { _, _ in exit } }

    private func objective(_ exit: (_ gates: [Float], _ losses: [Float]) -> Int) -> Objective {
        var (sum, count) = (Objective(), 0.0)
        for (text, targets) in zip(readings, targets) {
            for (row, target) in targets.enumerated() where target.token >= 0 {
                let losses = text.map { $0[row].loss } + [target.loss]
                let chosen = exit(text.map { $0[row].gate }, losses)
                sum.loss += Double(losses[chosen])
                sum.cost += Double(costs[chosen])
                sum.depth += Double((layers + [layerCount])[chosen])
                sum.consistency += chosen == text.count || text[chosen][row].agrees ? 1 : 0
                count += 1
            }
        }
        count = max(count, 1)
        (sum.loss, sum.cost) = (sum.loss / count, sum.cost / count)
        (sum.depth, sum.consistency) = (sum.depth / count, sum.consistency / count)
        sum.value = sum.loss + Double(costWeight) * sum.cost
        return sum
    }
}

extension ExitTrace.Sequence {
    /// Hidden rows after an exit's layer, [rows, width].
    func rows(_ range: Range<Int>, after layer: Int, width: Int, on device: Device) -> Tensor {
        let numbers = hidden[layer].map { Array($0[range.lowerBound * width..<range.upperBound * width]) } ?? []
        return Tensor(numbers, Shape(rows: range.count, columns: width), on: device)
    }
}
