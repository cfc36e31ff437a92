import DynamaxDepth

/// The page of a sweep.
public struct SweepPage {
    public let result: SweepResult
    /// Facts about model and settings, in their order.
    public let facts: [(name: String, value: String)]

    /// Takes what the page says.
    public init(_ result: SweepResult, facts: [(name: String, value: String)]) {
        (self.result, self.facts) = (result, facts)
    }

    /// The characters of the file.
    public var text: String {
        var page = Page("Exits, thresholds and what they cost")
        page.add("Settings", .facts(facts) + warnings)
        page.add("What exits say", forcedSection)
        page.add("Texts", textSection)
        page.add("Speed", speedSection)
        if result.curves.contains(where: { $0.reliability != nil }) { page.add("Reliability", reliabilitySection) }
        page.add("All points", table)
        return page.text
    }

    private var warnings: Markup {
        let slower = result.points.count(where: \.isSlower)
        guard slower > 0 else { return "" }
        return .warning("\(slower) of \(result.points.count) policies are slower than the full model.")
    }

    // MARK: Charts

    private var forcedSection: Markup {
        var lines = result.curves.map { curve in
            // Each exit once: what it says does not depend on the guarantee.
            var seen: Set<String> = []
            let points = result.points.filter { $0.kind == curve.kind && seen.insert($0.exit).inserted }
            return LineChart.Line(
                curve.kind, points.map { SweepPage.point($0.figures.forcedDepth.value, $0.figures.consistency) })
        }
        let others = result.baseline
        lines.append(.init("fixed depth", others.fixed.map { .init($0.depth, $0.consistency) }, .scattered))
        let random = (0...20).map { others.random(probability: Double($0) / 20) }
        lines.append(.init("random exits", random.map { .init($0.depth, $0.consistency) }, .dashed))
        lines.append(.init("bound", others.oracle.map { .init($0.depth, $0.consistency) }, .plain))
        let chart = LineChart(
            "Agreement with the full model against depth", x: "mean layers of a token", y: "share of tokens",
            lines: lines)
        return """
            <p class="note">For each token of the full model’s texts, given the ones before: the share of tokens that exits would decide as the \
            full model does. Random exits leave with the same probability everywhere. The bound: exits that know what the full model \
            will say. Bars hold 19 of 20 resamples of the prompts.</p>
            \(chart.markup)
            """
    }

    private var textSection: Markup {
        let lines = series(.none) {
            $0.depth.value
        } y: {
            $0.tokenF1
        }
        guard !lines.isEmpty else { return .paragraph("Nothing was written without verification.") }
        let depth = LineChart(
            "Likeness to the full model’s text against depth", x: "mean layers of a token", y: "token F1", lines: lines)
        let speed = LineChart(
            "Likeness to the full model’s text against speed", x: "speed, full model = 1", y: "token F1",
            lines: series(.none) {
                $0.speed.value
            } y: {
                $0.tokenF1
            })
        return """
            <p class="note">Texts as exits write them by themselves (guarantee none), beside the full model’s: once a token differs, the text may go \
            its own way.</p>
            \(depth.markup)\(speed.markup)
            """
    }

    private var speedSection: Markup {
        let charts = SweepGuarantee.allCases.compactMap { guarantee -> Markup? in
            var lines = series(guarantee) {
                $0.depth.value
            } y: {
                $0.speed
            }
            let depths = lines.flatMap(\.points).map(\.x)
            guard let least = depths.min(), let most = depths.max() else { return nil }
            lines.append(.init("full model", [.init(least, 1), .init(max(most, least + 0.01), 1)], .dashed))
            return LineChart(
                "Speed against depth, guarantee \(guarantee)", x: "mean layers of a token", y: "speed, full model = 1",
                lines: lines
            ).markup
        }
        return """
            <p class="note">Tokens a second as a share of the full model’s, measured in turns with it. Under exact, depth is that of drafts and of \
            tokens that none was kept for, and the text is always the full model’s.</p>
            \(charts)
            """
    }

    private var reliabilitySection: Markup {
        let charts = result.curves.compactMap { curve -> Markup? in
            guard let reliability = curve.reliability else { return nil }
            let chart = LineChart(
                "\(curve.kind): expected calibration error \(Figures.decimal(reliability.expectedCalibrationError, 3))",
                x: "score", y: "share that agrees", xRange: 0...1, yRange: 0...1,
                lines: [
                    .init(curve.kind, reliability.bins.map { .init($0.confidence, $0.agreement) }),
                    .init("scores that mean what they say", [.init(0, 0), .init(1, 1)], .dashed),
                ])
            return chart.markup
        }
        return """
            <p class="note">Scores after all exits’ layers in ten ranges, and the share of their tokens that are the full model’s.</p>
            \(charts)
            """
    }

    /// A line for each kind and rule under a guarantee.
    private func series(
        _ guarantee: SweepGuarantee, _ x: (SweepPoint.Figures) -> Double,
        y: (SweepPoint.Figures) -> Estimate
    ) -> [LineChart.Line] {
        let points = result.points.filter { $0.guarantee == guarantee }
        let rules = points.reduce(into: [StateRule]()) { if !$0.contains($1.state) { $0.append($1.state) } }
        // In the order of the first chart, so that kinds have the same colour in all.
        let kinds = points.isEmpty ? [] : result.curves.map(\.kind) + ["depth"]
        return kinds.flatMap { kind in
            rules.map { rule in
                let name = (kind == "depth" ? "fixed depth" : kind) + (rules.count > 1 ? ", \(rule)" : "")
                return LineChart.Line(
                    name,
                    points.filter { $0.kind == kind && $0.state == rule }
                        .map { SweepPage.point(x($0.figures), y($0.figures)) })
            }
        }
    }

    private static func point(_ x: Double, _ y: Estimate) -> LineChart.Point {
        LineChart.Point(x, y.value, interval: y.interval)
    }

    // MARK: Table

    private var table: Markup {
        let header = [
            "exit", "guarantee", "states", "layers", "speed", "bytes", "agreement", "random", "bound", "token F1",
            "ROUGE-L",
            "equal", "first other token", "",
        ]
        let rows = result.points.map { point -> Markup in
            let figures = point.figures
            func ranged(_ estimate: Estimate) -> String {
                guard let interval = estimate.interval else { return Figures.decimal(estimate.value) }
                return Figures.decimal(estimate.value) + " (" + Figures.decimal(interval.lowerBound) + "–"
                    + Figures.decimal(interval.upperBound) + ")"
            }
            let numbers = [
                ranged(figures.depth), ranged(figures.speed), Figures.decimal(figures.bytes.value / figures.fullBytes),
                ranged(figures.consistency), Figures.decimal(figures.randomConsistency),
                Figures.decimal(figures.oracleConsistency), ranged(figures.tokenF1),
                Figures.decimal(figures.rougeL.value),
                Figures.decimal(figures.exactMatch.value), Figures.decimal(figures.firstDivergence.value, 1),
            ]
            return """
                <tr><th scope="row" class="t">\(point.exit)</th><td class="t">\(point.guarantee.rawValue)</td>\
                <td class="t">\(point.state.rawValue)</td>\(numbers.map { "<td>\($0)</td>" as Markup })\
                <td class="t">\(point.isSlower ? "slower than the full model" : "")</td></tr>

                """
        }
        return """
            <p class="note">Layers, speed and bytes are those of the texts, speed and bytes as shares of the full model’s. Agreement is that of \
            exits with the full model on its own texts; random exits and the bound are at the depth that exits have there. Ranges hold 19 of 20 \
            resamples of the prompts.</p>
            \(Markup.table(header, rows, texts: [0, 1, 2, 13]))
            """
    }
}
