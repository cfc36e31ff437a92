import DynamaxTraining
import Testing

// Oracles: the formulas of the papers that `ExitWeights` names, worked out by hand.

@Suite struct ExitWeightTests {
    private func weights(_ rule: ExitWeights.Rule, step: Int = 0, of total: Int = 100, period: Int = 3) -> [Int: Double]
    {
        let exits = ExitWeights(rule, depths: [2, 4, 6], layers: 8, scale: 0.5, period: period)
        return Dictionary(uniqueKeysWithValues: exits.weights(at: step, of: total))
    }

    private func isClose(_ a: [Int: Double], _ b: [Int: Double]) -> Bool {
        a.keys == b.keys && a.allSatisfy { abs($1 - (b[$0] ?? 0)) < 1e-12 }
    }

    @Test(
        "rules that do not change give their formulas",
        arguments: [
            (.final, [8: 1]), (.uniform, [2: 0.25, 4: 0.25, 6: 0.25, 8: 0.25]),
            (.growing, [2: 0.1, 4: 0.2, 6: 0.3, 8: 0.4]), (.decaying, [2: 0.4375, 4: 0.3125, 6: 0.1875, 8: 0.0625]),
        ] as [(ExitWeights.Rule, [Int: Double])])
    func constantRules(rule: ExitWeights.Rule, expected: [Int: Double]) {
        let exits = ExitWeights(rule, depths: [2, 4, 6], layers: 8)
        #expect(isClose(Dictionary(uniqueKeysWithValues: exits.weights(at: 0, of: 1)), expected))
    }

    @Test(
        "rotation visits each exit",
        arguments: [
            (0, [2: 1.5 / 37.5, 8: 36 / 37.5]), (1, [4: 5.0 / 41, 8: 36.0 / 41]), (2, [6: 10.5 / 46.5, 8: 36 / 46.5]),
            (3, [2: 1.5 / 37.5, 8: 36 / 37.5]),
        ] as [(Int, [Int: Double])])
    func rotation(step: Int, expected: [Int: Double]) {
        // Sums: 3 at depth 2, 10 at 4, 21 at 6, 36 at 8; all but the last are halved.
        #expect(isClose(weights(.rotating, step: step), expected))
    }

    @Test("drawn depths weigh as much as all of them, on average", arguments: [1, 2, 4, 9])
    func sampled(period: Int) {
        let exits = ExitWeights(.sampled, depths: [2, 4, 6], layers: 8, period: period)
        var sums: [Int: Double] = [:]
        for step in 0..<4000 {
            let drawn = exits.weights(at: step, of: 4000)
            #expect(drawn.count == max(1, 4 / period))
            for (depth, weight) in drawn { sums[depth, default: 0] += weight / 4000 }
        }
        // Three standard deviations of a share of a quarter over so many steps.
        #expect(sums.count == 4 && sums.values.allSatisfy { abs($0 - 0.25) < 0.021 }, "\(sums)")
    }

    @Test func gradualTurnsDeepExitsOnFirst() {
        #expect(weights(.gradual, step: 0).keys.sorted() == [8])
        // Depth d is on when 2 step / total >= (8 - d) / 7.
        #expect(weights(.gradual, step: 15).keys.sorted() == [6, 8])
        #expect(weights(.gradual, step: 29).keys.sorted() == [4, 6, 8])
        #expect(weights(.gradual, step: 43).keys.sorted() == [2, 4, 6, 8])
    }

    @Test(arguments: ExitWeights.Rule.allCases)
    func weightsAddUpToOne(rule: ExitWeights.Rule) {
        for step in 0..<50 {
            #expect(abs(weights(rule, step: step, of: 50).values.reduce(0, +) - 1) < 1e-12)
        }
    }

    @Test func dropoutFollowsItsCurves() {
        let fixed = LayerDropout(maximum: 0.2)
        #expect(fixed.probability(ofLayer: 0, of: 5, at: 0, of: 10) == 0)
        #expect(abs(fixed.probability(ofLayer: 2, of: 5, at: 0, of: 10) - 0.2 * (2.0.squareRoot() - 1)) < 1e-12)
        #expect(abs(fixed.probability(ofLayer: 4, of: 5, at: 0, of: 10) - 0.2) < 1e-12)
        let rising = LayerDropout(maximum: 0.2, rises: true)
        #expect(rising.probability(ofLayer: 4, of: 5, at: 0, of: 10) == 0)
        #expect(abs(rising.probability(ofLayer: 4, of: 5, at: 9, of: 10) - 0.2) < 1e-12)
    }
}
