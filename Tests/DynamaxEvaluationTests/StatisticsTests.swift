import DynamaxDepth
import DynamaxEvaluation
import DynamaxFormats
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracles: numpy's quantiles, scipy's percentile bootstrap, scikit-learn's calibration curve, and exits simulated with numpy, whose
// bound is a linear program's (Tests/Fixtures/Scripts/make_statistics.py).

@Suite struct StatisticsTests {
    private func fixture(_ part: String) throws -> JSONNode {
        try JSONNode(contentsOf: Fixtures.url("evaluation/statistics.json").path).node(part)
    }

    private func numbers(_ node: JSONNode, _ name: String) throws -> [Double] {
        try node.array(name).map { try $0.double() }
    }

    @Test("quantiles are numpy's")
    func quantiles() throws {
        let fixture = try fixture("bootstrap")
        let sorted = try numbers(fixture, "numerators").sorted()
        for (share, expected) in zip(try numbers(fixture, "shares"), try numbers(fixture, "quantiles")) {
            #expect(abs(Bootstrap.quantile(share, of: sorted) - expected) < 1e-6)
        }
    }

    @Test("intervals are scipy's, as far as random resamples can tell")
    func bootstrap() throws {
        let fixture = try fixture("bootstrap")
        let (above, below) = (try numbers(fixture, "numerators"), try numbers(fixture, "denominators"))
        let bootstrap = Bootstrap(count: above.count, resamples: 20_000)
        for (name, estimate) in [("mean", bootstrap.mean(above)), ("ratio", bootstrap.ratio(above, below))] {
            let expected = try numbers(fixture, name)
            #expect(abs(estimate.value - expected[0]) < 1e-6)
            let interval = try #require(estimate.interval)
            let width = expected[2] - expected[1]
            #expect(abs(interval.lowerBound - expected[1]) < width * 0.03)
            #expect(abs(interval.upperBound - expected[2]) < width * 0.03)
        }
        #expect(Bootstrap(count: above.count).mean(above) == Bootstrap(count: above.count).mean(above))
    }

    @Test("one prompt has no interval, and equal ones have one of no width")
    func few() {
        #expect(Bootstrap(count: 1).mean([3]) == Estimate(3))
        #expect(Bootstrap(count: 3).mean([2, 2, 2]) == Estimate(2, interval: 2...2))
        // No text has a second token, so there is nothing to divide by.
        #expect(Bootstrap(count: 2).ratio([0, 0], [0, 0]).interval == nil)
    }

    @Test("the reliability diagram is scikit-learn's")
    func reliability() throws {
        let fixture = try fixture("reliability")
        let agrees = try fixture.array("agrees").map { try $0.bool() }
        let scores = Array(zip(try numbers(fixture, "scores"), agrees))
        let reliability = Reliability(scores.map { (score: $0.0, agrees: $0.1) } + [(.nan, true), (1.5, false)])
        #expect(reliability.count == 200)
        #expect(try reliability.bins.map(\.count) == fixture.array("counts").map { try $0.int() })
        for (index, bin) in reliability.bins.enumerated() {
            #expect(abs(bin.confidence - (try numbers(fixture, "confidence")[index])) < 1e-9)
            #expect(abs(bin.agreement - (try numbers(fixture, "agreement")[index])) < 1e-9)
        }
        #expect(abs(reliability.expectedCalibrationError - (try fixture.node("error").double())) < 1e-9)
        #expect(Reliability([]).expectedCalibrationError == 0)
        #expect(Reliability([(0, true), (1, false)]).bins.map(\.confidence) == [0, 1])
    }

    private func study() throws -> (study: ExitStudy, fixture: JSONNode) {
        let fixture = try fixture("study")
        let layers = try fixture.array("layers").map { try $0.int() }
        let count = try fixture.int("count")
        let right = try fixture.array("right").map { try $0.array().map { try $0.bool() } }
        let scores = try fixture.array("scores").map { try $0.array().map { try $0.double() } }
        let positions = zip(right, scores).map { right, scores in
            zip(right, scores).map { DepthTrace.View(token: $0 ? 7 : 8, maximum: Float($1), entropy: Float(1 - $1)) }
        }
        // Two texts, for outcomes are found text by text.
        let traces = [positions.prefix(25), positions.dropFirst(25)].map {
            DepthTrace(layerCount: count, positions: Array($0))
        }
        return (ExitStudy(traces, layers: layers, layerCount: count), fixture)
    }

    @Test("exits and baselines are those of the simulation")
    func exits() throws {
        let (study, fixture) = try study()
        let outcomes = try fixture.array("outcomes").map { try $0.array().map { try $0.double() } }
        for (threshold, expected) in zip(try numbers(fixture, "thresholds"), outcomes) {
            for score in [ExitScore.softmax(Float(threshold)), .entropy(Float(1 - threshold) + 1e-6)] {
                let place = study.place(score)
                #expect(abs(place.depth - expected[0]) < 1e-9 && abs(place.consistency - expected[1]) < 1e-9)
            }
        }
        for (index, depth) in try numbers(fixture, "depths").enumerated() {
            #expect(abs(study.fixed(at: depth) - (try numbers(fixture, "fixed")[index])) < 1e-9)
            #expect(abs(study.random(at: depth) - (try numbers(fixture, "random")[index])) < 1e-9)
            #expect(abs(study.oracle(at: depth) - (try numbers(fixture, "bound")[index])) < 1e-6)
        }
        #expect(study.place(.depth(3)) == study.fixed[1])
    }

    @Test("thresholds spread over the depths, and can be typed")
    func thresholds() throws {
        let (study, _) = try study()
        for kind in [ExitScore.Kind.softmax, .entropy] {
            let thresholds = study.thresholds(kind, count: 5)
            let depths = thresholds.map { study.place(kind.score($0)).depth }
            #expect(thresholds.count == 5 && depths == depths.sorted())
            #expect(zip(depths, depths.dropFirst()).allSatisfy { $1 - $0 < 1.4 })
            #expect(thresholds.allSatisfy { "\($0)".count <= 7 })
        }
        // Nothing is known of heads, so no threshold of theirs is.
        #expect(study.thresholds(.heads, count: 5).isEmpty)
    }

    @Test(
        "numbers keep four digits of what matters",
        arguments: [
            (Float(0.99962345), "0.9996235"), (0.123456, "0.1235"), (2.481234, "2.481"), (-0.93, "-0.93"), (0, "0.0"),
            (1, "1.0"), (12345.678, "12346.0"), (0.00001234, "1.23e-05"),
        ])
    func rounding(_ value: Float, _ text: String) {
        #expect("\(ExitStudy.rounded(value))" == text)
    }
}
