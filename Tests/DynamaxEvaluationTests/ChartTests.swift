import DynamaxEvaluation
import Testing

// Oracle: places worked out by hand, from a frame of 480 x 300 with margins of 60, 14, 12 and 46.

@Suite struct ChartTests {
    @Test("points lie where the axes say")
    func points() throws {
        let chart = LineChart(
            "t", x: "x", y: "y", xRange: 0...10, yRange: 0...1,
            lines: [.init("a", [.init(0, 0), .init(5, 0.5), .init(10, 1, interval: 0.75...1)], .plain)])
        let text = chart.markup.text
        // x: 60 + 406 * share; y: 254 - 242 * share.
        #expect(text.contains("M60 254L263 133L466 12"))
        #expect(text.contains("M466 72.5V12"))
        let xml = try XML.piece(chart.markup)
        for tick in ["0", "2", "4", "6", "8", "10", "0.2", "0.4", "0.6", "0.8", "1.0"] {
            #expect(xml.text.contains(tick))
        }
    }

    @Test(
        "ticks are round, few, and told apart",
        arguments: [
            ([0.0, 1], ["0.0", "0.2", "1.0"]), ([0.981, 0.9992], ["0.980", "0.985", "1.000"]),
            ([0, 37], ["0", "10", "40"]), ([12_000, 48_000], ["20k", "50k"]), ([3, 3], ["2.7", "3.0"]),
            ([-0.3, 0.3], ["-0.3", "0.0", "0.3"]), ([2_000_000, 9_000_000], ["2M", "10M"]),
        ])
    func ticks(_ values: [Double], _ expected: [String]) {
        let lines = [LineChart.Line("", values.map { .init(0, $0) })]
        let text = LineChart("", x: "", y: "", lines: lines).markup.text
        let labels = text.matches(of: /text-anchor="end">([^<]*)</).map { String($0.output.1) }
        #expect((3...12).contains(labels.count) && Set(labels).count == labels.count, "\(labels)")
        for label in expected { #expect(labels.contains(label), "\(labels)") }
    }

    @Test("a grid draws each cell once, in bands")
    func grid() throws {
        let map = HeatMap("g", names: ["2", "1"], columns: 70) { row, column in
            .init(row == 0 ? 1 : 0, isFull: row == 0, isMarked: column == 33 && row == 1)
        }
        let text = map.markup.text
        #expect(try XML.piece(map.markup).elements["svg"] == 3)
        let strong = text.matches(of: /class="h4" d="M0 0.5h(\d+)"/).map { Int($0.output.1) ?? 0 }
        let thin = text.matches(of: /class="h0 thin" d="M0 1.5h(\d+)"/).map { Int($0.output.1) ?? 0 }
        #expect(strong == [32, 32, 6] && thin == strong)
        #expect(text.contains("<path class=\"dot\" d=\"M1.5 1.5h0\"/>"))
    }

    @Test("each line has its own mark and stands in the legend")
    func legend() throws {
        let lines = (0..<4).map { LineChart.Line("line \($0)", [.init(Double($0), 1), .init(9, Double($0))]) }
        let xml = try XML.piece(LineChart("", x: "", y: "", lines: lines).markup)
        #expect(xml.elements["li"] == 4)
        let text = LineChart("", x: "", y: "", lines: lines).markup.text
        let outlines = Set(text.matches(of: /mark" d="M[\d. ]+(m[^"]+)"/).map { String($0.output.1) })
        #expect(outlines.count == 4)
    }
}
