import DynamaxEvaluation
import DynamaxFormats
import Foundation
import TestSupport
import Testing

// Oracles: Foundation's XML parser, and Chromium where there is one.

@Suite struct EvaluationPageTests {
    private static let run = SyntheticRun.run()
    private static let statistics = RunStatistics(run, resamples: 200)
    private static let page = EvaluationPage(statistics, examples: 40).text

    @Test("the page is well formed, whatever answers hold, and loads nothing")
    func wellFormed() throws {
        let text = EvaluationPageTests.page
        let xml = try XML(text)
        #expect(xml.elements["script"] == 2 && xml.elements["b"] == nil)
        #expect(xml.references.allSatisfy { $0.hasPrefix("#") })
        for loading in ["url(", "@import", "http:", "https:", "src=", "<link", "<iframe", "<img"] {
            let others = text.replacing("http://www.w3.org/1999/xhtml", with: "")
            #expect(!others.contains(loading), "\(loading)")
        }
        let drawings = text.matches(of: /role="img">/).count
        #expect(drawings > 20 && drawings == text.matches(of: /role="img"><title>[^<]/).count)
        for id in ["results", "compute", "thresholds", "layers", "scores", "examples", "settings"] {
            #expect(xml.identifiers.contains(id))
        }
    }

    @Test("what answers hold cannot end the element that they are in")
    func embedded() throws {
        let text = EvaluationPageTests.page
        let data = try #require(text.firstMatch(of: /<script type="application\/json" id="data">([^<]*)<\/script>/))
            .output.1
        #expect(!data.contains(">") && !data.contains("&") && !data.contains("\u{2028}"))
        let object = try JSONNode(JSON(parsing: String(data), name: "data"), location: "data")
        let rows = try object.array("rows")
        #expect(try rows.count == 40 * 7 * 6 && object.array("items").count == 240)
        let texts = try rows.flatMap { try $0.array()[6].array()[0].array().map { try $0.string() } }
        for word in ["</script>", "<b onclick=x>", " &amp;", "]]>", "\u{202E}x", "\u{2028}", "\u{0}", "<!--"] {
            #expect(texts.contains(word), "\(word)")
        }
        // Nothing but the page's own program runs: its digest is what browsers are told.
        let program = try #require(text.firstMatch(of: /<script>([^<]*)<\/script>/)).output.1
        var digest = SHA256()
        Array(program.utf8).withUnsafeBytes { digest.update($0) }
        let bytes = stride(from: 0, to: 64, by: 2).map { start in
            let digits = Array(digest.digest())[start..<start + 2]
            return UInt8(String(digits), radix: 16) ?? 0
        }
        #expect(text.contains("script-src &#39;sha256-\(Data(bytes).base64EncodedString())&#39;"))
    }

    @Test("the page says how many answers it shows, and those that differ are among them")
    func examples() throws {
        let text = EvaluationPageTests.page
        #expect(text.contains("Shown are 40 of 60 items of arc_easy"))
        #expect(!EvaluationPage(EvaluationPageTests.statistics).text.contains("Shown are"))
    }

    @Test("each policy has its sentence, and what is missing or slow is said")
    func sentences() throws {
        let xml = try XML(EvaluationPageTests.page)
        #expect(xml.text.contains("softmax:0.9 keeps") && xml.text.contains("of 8 layers a token"))
        #expect(xml.text.contains("off is the full model, all 8 layers: arc_easy acc"))
        #expect(xml.text.contains("exact:softmax:0.7 keeps 100.0 % of the tokens"))
        #expect(xml.text.contains("On none of 6 tasks can a change be told from chance."))
        var run = EvaluationPageTests.run
        run.rows.removeAll {
            $0.key.policy == "depth:4" || $0.key == .init(task: "boolq", policy: "entropy:1", item: "7")
        }
        let partial = EvaluationPage(RunStatistics(run, resamples: 20)).text
        #expect(partial.contains("entropy:1 has answered 59 of the 60 items of boolq."))
        #expect(partial.contains("nothing was answered under depth:4."))
        run.rows = []
        _ = try XML(EvaluationPage(RunStatistics(run)).text)
    }

    @Test("tables hold each task, policy and metric, with all digits")
    func tables() throws {
        let tables = EvaluationTables(EvaluationPageTests.statistics)
        let lines = tables.csv.split(separator: "\r\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        // Seven policies on tasks of 2, 1, 2, 2, 3 and 1 metrics.
        #expect(lines.count == 1 + 7 * 11 && Set(lines.map(\.count)).count == 1)
        let columns = Dictionary(uniqueKeysWithValues: lines[0].enumerated().map { (String($1), $0) })
        let node = try JSONNode(JSON(parsing: tables.json, name: "results.json"), location: "results.json")
        let results = try node.array("results")
        #expect(results.count == 42)
        for line in lines.dropFirst() {
            let cell = try #require(
                EvaluationPageTests.statistics.cell(
                    String(line[columns["task"] ?? 0]), String(line[columns["policy"] ?? 0])))
            let figure = try #require(cell.metrics.first { $0.metric.key == line[columns["metric"] ?? 0] })
            #expect(Double(line[columns["value"] ?? 0]) == figure.value)
            #expect(Double(line[columns["difference_low"] ?? 0]) == figure.difference?.interval?.lowerBound)
            #expect(Double(line[columns["layers"] ?? 0]) == cell.depth.value)
            let result = try #require(
                try results.first { try $0.string("task") == cell.task && $0.string("policy") == cell.policy })
            #expect(try result.node("metrics").node(figure.metric.key).double("value") == figure.value)
            #expect(try result.optionalDouble("multiply_adds_share") == cell.multiplyAddsShare?.value)
        }
    }

    // MARK: In a browser

    @Test(
        "a browser shows the answers that the address asks for", .enabled(if: Browser.path != nil),
        .mayNotHang,
        arguments: [
            "", "#task=arc_easy", "#task=coqa&policy=softmax:0.5&show=differs", "#policy=depth:4&show=wrong&page=2",
            "#show=lost", "#q=nothing+is+like+this", "#task=coqa&item=1/2", "#q=%3C/script%3E&policy=off", "#results",
            "#show=constructor&page=-3",
        ])
    func browser(_ fragment: String) async throws {
        let asked = URLComponents(string: "?" + fragment.dropFirst().replacing("+", with: " "))?.queryItems ?? []
        func value(_ name: String) -> String? { asked.first { $0.name == name }?.value }
        let statistics = EvaluationPageTests.statistics
        let full = Dictionary(
            uniqueKeysWithValues: statistics.run.rows.filter { $0.key.policy == "off" }
                .map { ($0.key.task + "\n" + $0.key.item, $0) })
        let items = Dictionary(
            uniqueKeysWithValues: statistics.run.items.map { ($0.task + "\n" + $0.id, $0) })
        let found = statistics.run.rows.filter { row in
            let key = row.key.task + "\n" + row.key.item
            guard let other = full[key], let item = items[key] else { return false }
            // The first score between 0 and 1 says what is right; perplexities do not.
            func isRight(_ row: RunRow) -> Bool? {
                switch row.key.task {
                case "truthfulqa_gen", "lambada_openai": row.scores[1].value >= 0.5
                case "wikitext": nil
                default: row.scores[0].value >= 0.5
                }
            }
            let texts =
                [item.id, item.prompt.count > 1600 ? "… " + item.prompt.suffix(1600) : item.prompt]
                + item.choices + item.references
            let isShown =
                switch value("show") {
                case "wrong": isRight(row) == false
                case "lost": isRight(row) == false && isRight(other) == true
                case "differs": row.answer != other.answer
                default: true
                }
            let answer = if case .text(let text) = row.answer { text } else { "" }
            return isShown && value("task").map { $0 == row.key.task } ?? true
                && value("policy").map { $0 == row.key.policy } ?? true
                && value("item").map { $0 == row.key.item } ?? true
                && value("q").map { q in (texts + [answer]).contains { $0.utf8.contains(q.utf8) } } ?? true
        }
        let page = EvaluationPage(statistics).text
        let shown = try await Browser.show(page, fragment)
        #expect(shown.complaints.isEmpty, "\(shown.complaints)")
        #expect(shown.page.contains("<title>Evaluation of stories-llama</title>"))
        let number = Int(value("page") ?? "1").map { max($0, 1) } ?? 1
        let articles = shown.page.matches(of: /<article class="example">/).count
        #expect(articles == min(20, max(found.count - 20 * (number - 1), 0)))
        let status = try #require(shown.page.firstMatch(of: /role="status">([^<]*)</)).output.1
        let expected =
            found.isEmpty
            ? "No answer is like that."
            : "\(20 * (number - 1) + 1) to \(min(20 * number, found.count)) of \(found.count) answers"
        #expect(status == expected)
        // The form is there, and no text has become an element.
        #expect(shown.page.contains("<form id=\"filters\" role=\"search\"") && !shown.page.contains("<b onclick"))
    }

    /// `DYNAMAX_PAGES=FOLDER` leaves a page there, for people to look at.
    @Test("pages can be kept", .enabled(if: ProcessInfo.processInfo.environment["DYNAMAX_PAGES"] != nil))
    func keep() throws {
        let folder = ProcessInfo.processInfo.environment["DYNAMAX_PAGES"] ?? "."
        let page = EvaluationPage(RunStatistics(SyntheticRun.run(items: 300))).text
        try Data(page.utf8).write(to: URL(fileURLWithPath: "\(folder)/evaluation.html"))
    }

    @Test("pages are drawn at all widths", .enabled(if: Browser.path != nil), .mayNotHang)
    func pictures() async throws {
        for (width, height) in [(1200, 1600), (500, 1600)] {
            let bytes = try await Browser.picture(EvaluationPageTests.page, width: width, height: height)
            #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) && bytes.count > 20_000)
        }
    }
}
