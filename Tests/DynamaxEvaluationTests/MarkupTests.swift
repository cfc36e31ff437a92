import DynamaxEvaluation
import Testing

// Oracle: Foundation's XML parser, which gives back what was written or refuses it.

@Suite struct MarkupTests {
    @Test(
        "text comes back as it was, and is never markup",
        arguments: [
            "<script>alert(1)</script>", "a & b &amp; c", "\"' onclick='x'", "]]>", "<!-- -->", "é 日本 👩‍👩‍👧 \u{202E}",
            "line\nnext\ttab\rback", "",
        ])
    func escaping(_ text: String) throws {
        let xml = try XML.piece("<p title=\"\(text)\">\(text)</p>")
        #expect(xml.text == text)
        #expect(xml.elements == ["main": 1, "p": 1])
    }

    @Test("what XML cannot hold is replaced")
    func forbidden() throws {
        #expect(try XML.piece("<p>\("a\0b\u{1B}c\u{FFFE}d")</p>").text == "a\u{FFFD}b\u{FFFD}c\u{FFFD}d")
    }

    @Test(
        "places have two digits at most",
        arguments: [
            (0.0, "0"), (1.0, "1"), (-1.5, "-1.5"), (0.005, "0.01"), (-0.001, "0"), (12.055, "12.06"), (3.04, "3.04"),
        ])
    func places(_ value: Double, _ text: String) {
        #expect(("\(value)" as Markup).text == text)
    }

    @Test("numbers that are none do no harm")
    func notANumber() throws {
        let points = [(Double.nan, 1), (1, Double.infinity), (1, 2), (2, Double.nan)]
        let chart = LineChart(
            "<title>", x: "x", y: "y", lines: [.init("a & b", points.map { .init($0.0, $0.1, interval: 0...1) })])
        let xml = try XML.piece(chart.markup)
        #expect(!chart.markup.text.contains("nan") && !chart.markup.text.contains("inf"))
        #expect(xml.text.contains("a & b") && xml.text.contains("<title>"))
        for empty in [LineChart("", x: "", y: "", lines: []).markup, BarChart("", x: "", y: "", bars: []).markup] {
            #expect(try XML.piece(empty).elements["figure"] == 1)
        }
    }
}
