public import DynamaxDepth
import Foundation

/// What exits would do on texts of the full model, each token given the full model's ones before (teacher-forced), and what could
/// be done without them or with perfect ones.
public struct ExitStudy: Sendable {
    /// What became of the positions of one text.
    public struct Outcome: Hashable, Sendable {
        public var positions: Int
        /// Layers of all positions, added up.
        public var layers: Int
        /// Positions whose token is the full model's.
        public var agreeing: Int
    }

    /// A mean depth, and the share of tokens that are the full model's.
    public struct Place: Hashable, Sendable {
        public var depth: Double
        public var consistency: Double

        /// Takes both.
        public init(depth: Double, consistency: Double) {
            (self.depth, self.consistency) = (depth, consistency)
        }
    }

    public let traces: [DepthTrace]
    /// Layers that exits lie after, ascending, all below the last.
    public let layers: [Int]
    public let layerCount: Int

    /// Takes the traces of texts, and where exits lie, at least one.
    public init(_ traces: [DepthTrace], layers: [Int], layerCount: Int) {
        precondition(!layers.isEmpty && layers.allSatisfy { (1..<layerCount).contains($0) })
        (self.traces, self.layers, self.layerCount) = (traces, layers, layerCount)
    }

    // MARK: Exits

    /// What exits with a score do on each text.
    public func outcomes(_ score: ExitScore) -> [Outcome] {
        let looked: [Int] = if case .depth(let depth) = score { [depth] } else { layers }
        return traces.map { trace in
            var outcome = Outcome(positions: trace.positions.count, layers: 0, agreeing: 0)
            for (position, views) in trace.positions.enumerated() {
                let exit = looked.first { score.passes(ExitStudy.value(score.kind, views[$0 - 1])) } ?? layerCount
                outcome.layers += exit
                outcome.agreeing += trace.agrees(position, layer: exit) ? 1 : 0
            }
            return outcome
        }
    }

    /// The place of exits with a score, over all texts.
    public func place(_ score: ExitScore) -> Place {
        let all = outcomes(score)
        let count = Double(max(all.reduce(0) { $0 + $1.positions }, 1))
        return Place(
            depth: Double(all.reduce(0) { $0 + $1.layers }) / count,
            consistency: Double(all.reduce(0) { $0 + $1.agreeing }) / count)
    }

    /// At most so many thresholds, whose mean depths lie evenly between the least and the most that exits can have.
    ///
    /// They are taken at quantiles of the scores, and have four digits, so that they can be typed.
    public func thresholds(_ kind: ExitScore.Kind, count: Int) -> [Float] {
        let scores = traces.flatMap(\.positions).flatMap { views in
            layers.map { ExitStudy.value(kind, views[$0 - 1]) }
        }.filter(\.isFinite).sorted()
        guard !scores.isEmpty, count > 0 else { return [] }
        let candidates = Set((0...200).map { ExitStudy.rounded(scores[$0 * (scores.count - 1) / 200]) }).sorted()
        let depths = candidates.map { place(kind.score($0)).depth }
        let (least, most) = (depths.min() ?? 0, depths.max() ?? 0)
        let chosen = (0..<count).map { index in
            let target = least + (most - least) * (Double(index) + 0.5) / Double(count)
            return candidates.indices.min { abs(depths[$0] - target) < abs(depths[$1] - target) } ?? 0
        }
        return Set(chosen).sorted { depths[$0] < depths[$1] }.map { candidates[$0] }
    }

    /// A number with four digits that count: of its distance from 1, where it is next to it.
    package static func rounded(_ value: Float) -> Float {
        let size = abs(Double(value))
        let distance = size > 0.5 && size < 1 ? 1 - size : size
        let digits = distance > 0 ? min(max(3 - Int(log10(distance).rounded(.down)), 0), 7) : 0
        return Float(String(format: "%.\(digits)f", Double(value))) ?? value
    }

    /// The score of what a head says, as exits of a kind have it; not a number where it depends on what another exit says.
    static func value(_ kind: ExitScore.Kind?, _ view: DepthTrace.View) -> Float {
        switch kind {
        case .softmax: view.maximum
        case .margin: view.margin
        case .entropy: view.entropy
        case .saturation: view.cosine
        case .heads: view.head ?? .nan
        case .reduced: .nan
        case nil: 1
        }
    }

    /// Scores of a kind after all exits' layers, beside whether the exit agrees; nil for kinds that are no probabilities.
    public func reliability(_ kind: ExitScore.Kind) -> Reliability? {
        switch kind {
        case .entropy, .saturation, .reduced: return nil
        case .softmax, .margin, .heads: break
        }
        return Reliability(
            traces.flatMap { trace in
                trace.positions.indices.flatMap { position in
                    layers.map { layer in
                        (
                            Double(ExitStudy.value(kind, trace.positions[position][layer - 1])),
                            trace.agrees(position, layer: layer)
                        )
                    }
                }
            })
    }
}
