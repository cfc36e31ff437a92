import DynamaxDepth
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracles: numbers worked out by hand from the definitions; the definitions in Double; central differences.

@Suite struct GateTests {
    @Test(
        "gates become probabilities and hazards",
        arguments: [
            (gates: [0.3, 0.3, 0.3], probabilities: [0.3, 0.3, 0.3, 0.1], hazards: [0.3, 0.4286, 0.75], exit: 2),
            // The second gate gets what is left.
            ([0.6, 0.6], [0.6, 0.4, 0], [0.6, 1], 0),
            // No gate reaches the threshold alone.
            ([0.4, 0.4, 0.4], [0.4, 0.4, 0.2, 0], [0.4, 0.6667, 1], 1),
            ([0.1, 0.2], [0.1, 0.2, 0.7], [0.1, 0.2222], nil),
            // Nobody comes to the second exit, and whoever does leaves.
            ([1, 0.2], [1, 0, 0], [1, 1], 0), ([0, 0], [0, 0, 1], [0, 0], nil), ([], [1], [], nil),
        ] as [([Float], [Float], [Float], Int?)])
    func hazards(_ gates: [Float], _ probabilities: [Float], _ hazards: [Float], _ exit: Int?) {
        #expect(near(ExitHazards.probabilities(gates), probabilities, 1e-6))
        #expect(near(ExitHazards.hazards(gates), hazards, 5e-5))
        #expect(ExitHazards.exit(gates) == exit)
    }

    @Test("probabilities add up, and hazards are chances of leaving for those that come")
    func chances() {
        var random = Seeded(4)
        for _ in 0..<200 {
            let gates = (0..<Int.random(in: 1...7, using: &random)).map { _ in Float.random(in: 0...0.6, using: &random)
            }
            let (probabilities, hazards) = (ExitHazards.probabilities(gates), ExitHazards.hazards(gates))
            #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
            #expect(abs(probabilities.dropLast().reduce(0, +) - min(1, gates.reduce(0, +))) < 1e-5)
            var coming: Float = 1
            for (probability, hazard) in zip(probabilities, hazards) where coming > 1e-3 {
                #expect(abs(coming * hazard - probability) < 1e-4)
                coming *= 1 - hazard
            }
        }
    }

    @Test("a gate that is not a number lets no token go")
    func notANumber() {
        #expect(ExitHazards.exit([.nan, 1, 1]) == nil)
        #expect(ExitHazards.exit([0.2, .nan, 1]) == nil)
        #expect(ExitHazards.exit([0.7, .nan]) == 0)
    }

    @Test func statistics() throws {
        let device = try Device(threads: 1)
        let logits: [Float] = [0.2, 3, -1, 2.5, 0, 1, 1, 1, 1, 1]
        let found = GateStatistics.of(Tensor(logits, Shape(rows: 2, columns: 5), on: device))
        for row in 0..<2 {
            let exponentials = logits[row * 5..<row * 5 + 5].map { exp(Double($0)) }
            let p = exponentials.map { $0 / exponentials.reduce(0, +) }
            let squares = p.map { $0 * $0 }
            let sharp = squares.map { $0 / squares.reduce(0, +) }
            let sorted = p.sorted(by: >)
            let expected = [sorted[0], entropy(p), sorted[0] - sorted[1], entropy(sharp)]
            let values = [found[row].maximum, found[row].entropy, found[row].margin, found[row].sharpEntropy]
            #expect(near(values, expected.map { Float($0) }, 1e-5))
        }
    }

    @Test("gates are to let tokens go from the best exit on")
    func targets() {
        func check(_ losses: [Float], _ weight: Float, best: Int, _ values: [Float]) {
            let targets = GateTargets(losses: losses, costs: [0.25, 0.5, 1], costWeight: weight)
            #expect(targets.best == best)
            #expect(targets.values == values)
        }
        check([3, 2, 1], 0, best: 2, [0, 0])
        check([3, 1, 1], 0, best: 1, [0, 1])  // of equal ones the earliest
        check([3, 2, 1], 3, best: 1, [0, 1])  // 3.75, 3.5, 4
        check([3, 2, 1], 1e6, best: 0, [1, 1])
        check([1, 3, 2], 0.1, best: 0, [1, 1])  // exits after the best one too, worse as they are
        let weights = GateTargets.classWeights(best: [0, 0, 0, 1, 2, 2, 2, 2, 2, 2], gates: 2)
        #expect(near(weights, [7.0 / 3, 5], 1e-6))  // 9 / 1 is cut to 5
        #expect(GateTargets.classWeights(best: [1, 1], gates: 2) == [5, 0])
    }

    @Test("the cost of the best exits falls with the weight of costs")
    func monotone() {
        var random = Seeded(4)
        let costs: [Float] = [0.3, 0.5, 0.8, 1]
        let losses = (0..<100).map { _ in costs.map { _ in Float.random(in: 0...5, using: &random) } }
        var last = Float.infinity
        for weight in [0, 0.1, 0.5, 1, 3, 10, 1e6] as [Float] {
            let best = losses.map { GateTargets(losses: $0, costs: costs, costWeight: weight).best }
            let cost = best.reduce(0) { $0 + costs[$1] }
            #expect(cost <= last)
            last = cost
            if weight == 0 { for (losses, best) in zip(losses, best) { #expect(losses[best] == losses.min()) } }
        }
        #expect(last == losses.reduce(0) { sum, _ in sum + costs[0] })
    }

    @Test("derivatives of the modules' losses", arguments: ModuleLoss.allCases)
    func moduleLosses(_ loss: ModuleLoss) {
        let (losses, probabilities): ([Float], [Float]) = ([2.5, 0.7, 1.2], [0.2, 0.05, 0.6])
        let (value, weights) = loss(losses, probabilities)
        let base = definition(loss, losses.map(Double.init), probabilities, ratioAt: losses.map(Double.init))
        #expect(abs(Double(value) - base) < 1e-6)
        for exit in losses.indices {
            let slopes = [1e-5, -1e-5].map { step in
                var moved = losses.map(Double.init)
                moved[exit] += step
                return definition(
                    loss, moved, probabilities, ratioAt: loss == .released ? moved : losses.map(Double.init))
            }
            #expect(abs((slopes[0] - slopes[1]) / 2e-5 - Double(weights[exit])) < 1e-4, "\(exit)")
        }
        // The published form is the plain sum, whatever the gates say.
        if loss == .released { #expect(near(weights, [1, 1, 1], 1e-6) && abs(value - losses.reduce(0, +)) < 1e-6) }
        #expect(loss(losses, [0, 0, 0]).weights == [0, 0, 0])
    }

    /// The loss as a formula; `detached` takes its ratio from other numbers.
    private func definition(
        _ loss: ModuleLoss, _ losses: [Double], _ probabilities: [Float], ratioAt point: [Double]
    ) -> Double {
        func weighted(_ losses: [Double]) -> Double {
            zip(losses, probabilities).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        return loss == .plain ? weighted(losses) : weighted(losses) * point.reduce(0, +) / weighted(point)
    }
}

private func entropy(_ p: [Double]) -> Double { -p.reduce(0) { $0 + $1 * log($1) } }

private func near(_ a: [Float], _ b: [Float], _ tolerance: Float) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
}
