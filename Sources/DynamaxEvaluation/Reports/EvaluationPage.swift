/// The page of an evaluation: what each policy keeps, what it takes, and what became of each question.
public struct EvaluationPage {
    public let statistics: RunStatistics
    /// Items of each task whose answers are shown.
    public let examples: Int
    var manifest: RunManifest { statistics.run.manifest }

    /// Takes what was found, and how many items of each task are shown at most.
    public init(_ statistics: RunStatistics, examples: Int = 200) {
        (self.statistics, self.examples) = (statistics, examples)
    }

    /// The characters of the file.
    public var text: String {
        var page = Page("Evaluation of \(manifest.model.name)")
        let used = statistics.policies.reduce(into: Set<Int>()) { $0.formUnion($1.depths.counts.keys) }
        page.style = PageStyle.tokens(used, of: manifest.model.layers) + EvaluationPage.style
        page.add("In short", summary)
        page.add("Results", id: "results", table)
        if !curves.isEmpty { page.add("Accuracy against compute", id: "compute", computeSection) }
        if !sweeps.isEmpty { page.add("Thresholds", id: "thresholds", thresholdSection) }
        if !spread.isEmpty { page.add("Layers", id: "layers", layerSection) }
        if statistics.policies.contains(where: { $0.calibration != nil }) {
            page.add("Scores of exits", id: "scores", scoreSection)
        }
        let examples = ExampleData(statistics, limit: examples)
        page.add("Examples", id: "examples", ExampleSection(statistics, examples).markup)
        page.program = ExampleSection.program
        page.add("Settings", id: "settings", settings)
        return page.text
    }

    private var summary: Markup {
        let sentences = EvaluationSummary(statistics: statistics)
        let items = statistics.policies.compactMap { figures in
            sentences.sentence(figures).map { "<li><strong>\(figures.policy.name)</strong> \($0)</li>\n" as Markup }
        }
        let count = statistics.cells.count { $0.main?.difference != nil }
        return """
            <ul class="short">
            \(items)</ul>
            \(sentences.warnings.map { Markup.warning($0) })\
            <p class="note">Means over tasks, each counting the same. Brackets and bars hold 95 of 100 resamples of the items, paired with the full \
            model’s answers; of \(count) such differences, about \(Figures.decimal(Double(count) / 20, count < 20 ? 1 : 0)) would leave out 0 by \
            chance alone. Shares are of what the full model takes for a token of the same task, prompts left out. Tokens kept: those that the \
            full model would have named too, told the same text before.</p>

            """
    }

    // MARK: Table

    private var table: Markup {
        let header = [
            "policy", "score", "difference", "layers", "multiply-adds", "bytes", "tokens/s", "speed", "tokens kept",
            "same answers",
        ]
        let titles = header.enumerated().map { column, title -> Markup in
            "<th scope=\"col\"\(column == 0 ? " class=\"t\"" as Markup : "")>\(title)</th>"
        }
        let groups = manifest.tasks.map { task -> Markup in
            let cells = statistics.cells.filter { $0.task == task.name }
            guard let first = cells.first else { return "" }
            return """
                <tbody><tr><th scope="rowgroup" colspan="\(header.count)" class="t task"><span>\(task.name)\
                <small>\(caption(task, first))</small></span></th></tr>
                \(cells.map(row))</tbody>

                """
        }
        return """
            <p class="note">Score ± its standard error. Differences to the full model are in points (hundredths) where scores lie between 0 and 1; \
            ▲ and ▼ stand where the change can be told from chance. \(pace)All metrics are in results.csv and results.json, and below.</p>
            <div class="scroll" tabindex="0" role="region" aria-label="results"><table class="results"><thead><tr>\(titles)</tr></thead>
            \(groups)</table></div>
            \(allMetrics)
            """
    }

    /// How fast tokens a second were measured.
    private var pace: String {
        let alone = statistics.cells.contains { !$0.isReference && $0.speed == nil }
        return manifest.machine.batch == 1
            ? "Texts are written one at a time. "
            : "Up to \(manifest.machine.batch) items run together\(alone ? "; there is no speed where a policy takes one at a time" : ""). "
    }

    private func caption(_ task: RunManifest.TaskEntry, _ cell: RunCell) -> String {
        let metric = cell.main.map { "\($0.metric.key), \($0.metric.isHigherBetter ? "higher" : "lower") is better; " }
        return " \(metric ?? "")\(cell.items) items"
    }

    private func row(_ cell: RunCell) -> Markup {
        let score = cell.main.map(Figures.scoreAndError) ?? "–"
        let numbers = [
            Figures.decimal(cell.depth.value), Figures.percent(cell.isReference ? 1 : cell.multiplyAddsShare?.value),
            Figures.percent(cell.isReference ? 1 : cell.bytesShare?.value), Figures.decimal(cell.tokensPerSecond, 0),
            Figures.decimal(cell.isReference ? 1 : cell.speed?.value), Figures.percent(cell.agreement?.value),
            Figures.percent(cell.isReference ? 1 : cell.likeness?.same.value),
        ]
        return """
            <tr><th scope="row" class="t">\(cell.policy)</th><td>\(score)</td><td>\(difference(cell.main))</td>\
            \(numbers.map { "<td>\($0)</td>" as Markup })</tr>

            """
    }

    private func difference(_ figure: RunCell.MetricFigure?) -> Markup {
        guard let figure, figure.difference != nil else { return "–" }
        let text = Figures.difference(figure)
        switch figure.verdict {
        case .unchanged: return "\(text)"
        case .better: return "<strong>▲ \(text)</strong>"
        case .worse: return "<strong>▼ \(text)</strong>"
        }
    }

    /// Every metric of tasks that have more than one, closed at first.
    private var allMetrics: Markup {
        let tasks = manifest.tasks.compactMap { task -> Markup? in
            let cells = statistics.cells.filter { $0.task == task.name }
            guard let first = cells.first, first.metrics.count > 1 else { return nil }
            let rows = cells.flatMap { cell in
                cell.metrics.map { figure -> Markup in
                    """
                    <tr><th scope="row" class="t">\(cell.policy)</th><td class="t">\(figure.metric.key)</td>\
                    <td>\(Figures.scoreAndError(figure))</td><td>\(difference(figure))</td></tr>

                    """
                }
            }
            return """
                <details><summary>All metrics of \(task.name)</summary>
                \(Markup.table(["policy", "metric", "score", "difference"], rows, texts: [0, 1]))</details>

                """
        }
        return Markup(tasks)
    }

    // MARK: Settings

    private var settings: Markup {
        let (model, machine) = (manifest.model, manifest.machine)
        let tasks = manifest.tasks.map { task -> Markup in
            let options = task.options
            return .row(
                task.name,
                [
                    "\(task.items)", options.limit.map { "first \($0)" } ?? "all",
                    options.fewShot.map { "\($0)" } ?? "the task’s", "\(options.seed)",
                    String(task.dataDigest.prefix(12)),
                ])
        }
        let policies = manifest.policies.map { policy -> Markup in
            """
            <tr><th scope="row" class="t">\(policy.name)</th><td class="t">\(policy.guarantee)</td><td class="t">\(policy.exit ?? "–")</td>\
            <td class="t">\(policy.exitLayers.map { "\($0)" }.joined(separator: ", "))</td><td class="t">\(policy.exit == nil ? "–" : policy.state)</td></tr>

            """
        }
        let facts = [
            ("model", model.name), ("family", "\(model.family), \(model.layers) layers"), ("weights", model.weights),
            ("KV cache", model.kvCache), ("SHA-256 of the model", model.fingerprint),
            ("processor", "\(machine.instructionSet), \(machine.threads) threads"),
            ("items together", "\(machine.batch)"), ("version", machine.version),
        ]
        return .facts(facts.map { (name: $0.0, value: $0.1) })
            + .table(["task", "items", "documents", "examples", "seed", "data"], tasks)
            + .table(["policy", "guarantee", "exits", "after layers", "states"], policies, texts: [0, 1, 2, 3, 4])
    }

    private static let style: Markup = """
        main{max-width:72rem}.short{padding-left:1.2rem}.short li{margin:.4rem 0}small{color:var(--soft);font-weight:400;font-size:.85em}
        .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:0 2rem}.charts figure{margin:.6rem 0}.charts .chart{max-width:34rem}
        .soft,.chart .soft{fill:var(--soft)}.chart.bars path{fill:var(--k);stroke:var(--back);stroke-width:.6}.chart.bars text[class^="k"]{fill:var(--on);font-size:11px}
        .results tbody th.t{min-width:7.5rem}.results [scope=row],.results thead th:first-child{position:sticky;left:0;background:var(--back)}.results .task{padding-top:.9rem;font-weight:600}.results .task span{position:sticky;left:.6rem}.results .task small{margin-left:.4rem}
        fieldset{border:1px solid var(--line);border-radius:4px;margin:.6rem 0;padding:.4rem .75rem;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem}legend{color:var(--soft);font-size:.85rem}
        .by{display:none}:has(#by-operations:checked) .by-operations,:has(#by-bytes:checked) .by-bytes,:has(#by-layers:checked) .by-layers,:has(#by-time:checked) .by-time{display:grid}
        @supports not selector(:has(*)){.by-operations{display:grid}}
        summary{cursor:pointer;padding:.2rem 0}details table{margin:.3rem 0 .8rem}
        .scroll:focus-visible,a:focus-visible,summary:focus-visible,input:focus-visible,select:focus-visible,button:focus-visible{outline:3px solid var(--s0);outline-offset:1px}
        form[hidden]{display:none}.filters{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,13rem),1fr));gap:.5rem 1rem;margin:.6rem 0}.filters label{display:block;font-size:.85rem;color:var(--soft)}
        select,input[type=search],button{font:inherit;color:var(--ink);background:var(--back);border:1px solid var(--soft);border-radius:4px;padding:.35rem .5rem;max-width:100%}select,input[type=search]{width:100%}button:disabled{opacity:.4}
        .pager{display:flex;flex-wrap:wrap;align-items:center;gap:.6rem;margin:.6rem 0}
        .example{border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem;margin:.8rem 0}.example h3{font-size:1rem;margin:0 0 .2rem}.example .text{margin:.4rem 0;padding:.35rem .6rem}.example .after{opacity:.5}
        .mark{font-size:.8rem;border:1px solid var(--soft);border-radius:1em;padding:0 .55em;margin-left:.4rem;white-space:nowrap;font-weight:400}.mark.right{border-color:var(--s2);color:var(--s2)}.mark.wrong{border-color:var(--s1);color:var(--s1)}
        .pair{margin:.3rem 0}.pair>span{color:var(--soft);font-size:.85rem}.pre{white-space:pre-wrap;display:block}.choices{margin:.3rem 0;padding-left:1.5rem}.choices .text{display:inline-block;vertical-align:top;max-width:100%;margin:.15rem .4rem .15rem 0;padding:0 .35rem}
        @media print{fieldset,#filters,.pager,nav,.example details{display:none}.results td{white-space:nowrap}.example{break-inside:avoid}.charts{grid-template-columns:1fr 1fr}.results tbody th.t{min-width:0}@page{margin:12mm}}
        .results th,.results td{padding:.2rem .4rem}

        """
}
