// What the page draws.

extension EvaluationPage {
    /// Policies that differ in their thresholds alone, by threshold, or one that stands for itself.
    struct Curve {
        let name: String
        let points: [(threshold: Double?, figures: PolicyFigures)]
    }

    /// In the manifest's order; each has the same colour in all charts.
    var curves: [Curve] {
        var names: [String] = []
        var points: [String: [(threshold: Double?, figures: PolicyFigures)]] = [:]
        for figures in statistics.policies where !figures.isReference && !figures.cells.isEmpty {
            let curve = figures.policy.curve
            let name = curve?.name ?? figures.policy.name
            if points[name] == nil { names.append(name) }
            points[name, default: []].append((curve?.threshold, figures))
        }
        return names.map { name in
            let sorted = (points[name] ?? []).sorted { ($0.threshold ?? 0) < ($1.threshold ?? 0) }
            // A curve of one threshold is called as its policy is.
            return Curve(name: sorted.count == 1 ? sorted[0].figures.policy.name : name, points: sorted)
        }
    }

    /// Curves with more than one threshold.
    var sweeps: [Curve] { curves.filter { $0.points.count > 1 } }

    // MARK: Accuracy against compute

    /// What compute is measured by.
    private enum Measure: String, CaseIterable {
        case operations, bytes, layers, time

        var title: String {
            switch self {
            case .operations: "multiply-adds"
            case .bytes: "bytes"
            case .layers: "layers"
            case .time: "measured time"
            }
        }

        func share(_ cell: RunCell, layers: Int) -> Double? {
            switch self {
            case .operations: cell.multiplyAddsShare?.value
            case .bytes: cell.bytesShare?.value
            case .layers: cell.depth.value / Double(layers)
            case .time: cell.speed.map { 1 / $0.value }
            }
        }
    }

    var computeSection: Markup {
        let choices = Measure.allCases.enumerated().map { index, measure -> Markup in
            """
            <label><input type="radio" name="by" id="by-\(measure.rawValue)"\(index == 0 ? " checked=\"checked\"" as Markup : "")/> \(measure.title)</label>

            """
        }
        let all = Measure.allCases.map { measure -> Markup in
            let charts = manifest.tasks.compactMap { chart($0.name, measure)?.markup }
            return "<div class=\"charts by by-\(measure.rawValue)\">\(charts)</div>\n"
        }
        let legend = manifest.tasks.lazy.compactMap { chart($0.name, .operations)?.legend }.first ?? ""
        return """
            <p class="note">For a token, as a share of what the full model takes: left is less, and the dashed line is the full model. Bars are \
            the paired intervals of the difference to it, drawn around each point. Points of one kind of exit are joined by threshold.</p>
            <fieldset><legend>compute measured by</legend>\(choices)</fieldset>
            \(legend)\(all)
            """
    }

    private func chart(_ task: String, _ measure: Measure) -> LineChart? {
        let cells = statistics.cells.filter { $0.task == task }
        guard let full = cells.first(where: \.isReference)?.main, full.value.isFinite else { return nil }
        var lines = curves.map { curve in
            let points = curve.points.compactMap { point -> LineChart.Point? in
                guard let cell = statistics.cell(task, point.figures.policy.name), let main = cell.main,
                    let share = measure.share(cell, layers: manifest.model.layers)
                else { return nil }
                let interval = main.difference?.interval.map { range in
                    let base = main.value - (main.difference?.value ?? 0)
                    return base + range.lowerBound...base + range.upperBound
                }
                return .init(
                    share, main.value, interval: interval,
                    name: "\(cell.policy): \(Figures.score(main)) at \(Figures.percent(share))")
            }
            return LineChart.Line(curve.name, points, .marked)
        }
        let shares = lines.flatMap(\.points).map(\.x) + [1]
        let (least, most) = (shares.min() ?? 0, shares.max() ?? 1)
        lines.append(.init("full model", [.init(min(least, 0.9), full.value), .init(most, full.value)], .dashed))
        // Where no policy changes anything, a share has an axis of shares all the same.
        let around = full.metric.isShare ? max(full.value - 0.05, 0)...min(full.value + 0.05, 1) : nil
        var chart = LineChart(
            "\(task): \(full.metric.key)", x: "\(measure.title), full model = 1", y: full.metric.key, yRange: around,
            lines: lines)
        chart.hasLegend = false
        return chart
    }

    // MARK: Thresholds

    var thresholdSection: Markup {
        let charts = sweeps.map { curve -> Markup in
            func line(_ name: String, _ value: (PolicyFigures) -> Double?) -> LineChart.Line {
                .init(
                    name,
                    curve.points.compactMap { point in
                        guard let threshold = point.threshold, let share = value(point.figures) else { return nil }
                        return .init(
                            threshold, share, name: "\(point.figures.policy.name): \(Figures.percent(share))")
                    })
            }
            let depth = curve.name == "depth" || curve.name.hasPrefix("depth,")
            return LineChart(
                curve.name, x: depth ? "layers" : "threshold", y: "share", yRange: 0...1,
                lines: [
                    line("tokens kept", \.agreement),
                    line("layers", { $0.depth.map { $0 / Double(manifest.model.layers) } }),
                    line("multiply-adds", \.multiplyAddsShare), line("bytes", \.bytesShare),
                ]
            ).markup
        }
        return """
            <p class="note">Means over tasks: what is kept of the full model’s tokens, beside what is taken of its layers, multiply-adds and bytes.</p>
            <div class="charts">\(charts)</div>

            """
    }

    // MARK: Layers

    /// Policies under which tokens leave at different layers: fixed depths need no drawing.
    var spread: [PolicyFigures] { statistics.policies.filter { $0.depths.counts.count > 1 } }

    var layerSection: Markup {
        let all = spread
        let used = all.reduce(into: Set<Int>()) { $0.formUnion($1.depths.counts.keys) }.sorted()
        let legend = used.map { "<li><span class=\"k\($0) key\">\($0)</span></li>" as Markup }
        let charts = all.map { figures -> Markup in
            let tasks = StackedBars(
                "\(figures.policy.name): by task", names: "task", labels: "mean",
                bars: figures.cells.map {
                    .init($0.task, $0.depths.counts, label: Figures.decimal($0.depth.value, 1))
                })
            let places = StackedBars(
                "\(figures.policy.name): by place in the answer", names: "token", labels: "mean",
                bars: figures.depths.buckets.map {
                    .init($0.name, $0.counts, label: Figures.decimal(ExitDepths.mean($0.counts), 1))
                })
            return "<div class=\"charts\">\(tasks.markup)\(places.markup)</div>\n"
        }
        return """
            <p class="note">The share of tokens that each layer decided. Places count from 0, in each choice anew, and in texts from the token after the first, which the prompt’s pass decides.</p>
            <ul class="legend" aria-label="layers"><li>layer</li>\(legend)</ul>
            \(charts)
            """
    }

    // MARK: Scores

    var scoreSection: Markup {
        let scored = statistics.policies.compactMap { figures in figures.calibration.map { (figures.policy.name, $0) } }
        let hasDiagram = scored.contains { $0.1.reliability != nil }
        let diagram = LineChart(
            "Reliability", x: "score", y: "share that is right", xRange: 0...1, yRange: 0...1,
            lines: scored.map { name, calibration in
                .init(
                    name,
                    (calibration.reliability?.bins ?? []).map {
                        .init(
                            $0.confidence, $0.agreement,
                            name: "\(name): \(Figures.percent($0.agreement)) of \($0.count) tokens")
                    })
            } + [.init("scores that mean what they say", [.init(0, 0), .init(1, 1)], .dashed)])
        let risk = LineChart(
            "Risk and coverage", x: "share of tokens let out, the surest first", y: "share that is wrong",
            xRange: 0...1, yRange: 0...0.05,
            lines: scored.map { name, calibration in
                .init(name, calibration.drawnRisks.map { .init($0.coverage, $0.risk) }, .plain)
            })
        let rows = scored.map { name, calibration -> Markup in
            .row(
                name,
                [
                    "\(calibration.count)", Figures.percent(calibration.agreement),
                    Figures.decimal(calibration.reliability?.expectedCalibrationError, 4),
                    Figures.decimal(calibration.brier, 4), Figures.decimal(calibration.auroc, 3),
                    Figures.decimal(calibration.riskArea, 4),
                ])
        }
        return """
            <p class="note">Of tokens that left at an exit: right are those that the full model would have named too. Reliability: tokens by their \
            score in ten ranges. Risk and coverage: how many would be wrong if only the surest had left. Entropy and saturation are no \
            probabilities, so they have no calibration error.</p>
            <div class="charts">\(hasDiagram ? diagram.markup : "")\(risk.markup)</div>
            \(Markup.table(
                ["policy", "tokens", "right", "calibration error", "Brier", "AUROC", "area of risk"], rows))
            """
    }
}
