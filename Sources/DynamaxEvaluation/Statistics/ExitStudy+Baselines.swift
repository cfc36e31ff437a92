import Foundation

// What any exit has to be better than, and what none can beat.

extension ExitStudy {
    /// Every token after the same layer: each exit's, and the last.
    public var fixed: [Place] {
        let count = Double(max(traces.reduce(0) { $0 + $1.positions.count }, 1))
        return layers.map { layer in
            let agreeing = traces.reduce(0) { sum, trace in
                sum + trace.positions.indices.count { trace.agrees($0, layer: layer) }
            }
            return Place(depth: Double(layer), consistency: Double(agreeing) / count)
        } + [Place(depth: Double(layerCount), consistency: 1)]
    }

    /// The same, with fixed depths mixed so that the mean is the one asked for.
    public func fixed(at depth: Double) -> Double { ExitStudy.interpolated(fixed, at: depth) }

    /// Tokens that leave at each exit with the same probability, which gives this mean depth.
    public func random(at depth: Double) -> Double {
        var (low, high) = (0.0, 1.0)
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if random(probability: middle).depth > depth { low = middle } else { high = middle }
        }
        return random(probability: (low + high) / 2).consistency
    }

    /// What is expected of tokens that leave at each exit with a probability.
    public func random(probability: Double) -> Place {
        var place = Place(depth: 0, consistency: 0)
        var left = 1.0
        for (index, exit) in fixed.enumerated() {
            let share = index < layers.count ? left * probability : left
            place.depth += share * exit.depth
            place.consistency += share * exit.consistency
            left -= share
        }
        return place
    }

    /// The best that exits could do which know what the full model will say: corners of the bound, by depth.
    ///
    /// Tokens leave at the first exit that agrees, as far as the depth goes, those first that need least; the others leave at the
    /// first exit of all.
    public var oracle: [Place] {
        let count = traces.reduce(0) { $0 + $1.positions.count }
        let first = layers[0]
        var needed: [Int: Int] = [:]
        for trace in traces {
            for position in trace.positions.indices {
                needed[trace.firstAgreeing(position, among: layers), default: 0] += 1
            }
        }
        var (depth, agreeing) = (Double(first), 0.0)
        return (layers + [layerCount]).map { layer in
            let share = Double(needed[layer] ?? 0) / Double(max(count, 1))
            depth += share * Double(layer - first)
            agreeing += share
            return Place(depth: depth, consistency: agreeing)
        }
    }

    /// The bound at a mean depth.
    public func oracle(at depth: Double) -> Double { ExitStudy.interpolated(oracle, at: depth) }

    /// Straight between places by depth, and flat beyond them.
    private static func interpolated(_ places: [Place], at depth: Double) -> Double {
        guard let above = places.firstIndex(where: { $0.depth >= depth }) else { return places.last?.consistency ?? 0 }
        guard above > 0 else { return places[0].consistency }
        let (a, b) = (places[above - 1], places[above])
        return a.consistency + (b.consistency - a.consistency) * (depth - a.depth) / (b.depth - a.depth)
    }
}
