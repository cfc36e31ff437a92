/// The answers of a page, with what finds some of them again.
///
/// What is looked for stands in the address, after `#`, as in `report.html#task=arc_easy&policy=softmax:0.9&show=wrong`; so
/// views can be linked.
struct ExampleSection {
    let statistics: RunStatistics
    let data: ExampleData

    init(_ statistics: RunStatistics, _ data: ExampleData) {
        (self.statistics, self.data) = (statistics, data)
    }

    var markup: Markup {
        let manifest = statistics.run.manifest
        let tasks = options("any task", manifest.tasks.map { ($0.name, $0.name) })
        let policies = options("any policy", manifest.policies.map { ($0.name, $0.name) })
        let shows = options(
            "any answer",
            [
                ("right", "right"), ("wrong", "wrong"), ("differs", "differs from the full model’s"),
                ("lost", "wrong, and the full model right"), ("gained", "right, and the full model wrong"),
                ("tokens", "with tokens that the full model would not name"),
            ])
        return """
            <p class="note">\(counts) Prompts are shortened to their end. \(meaning)</p>
            <noscript><p class="warning">This table needs JavaScript; all answers lie in rows.jsonl, beside this page.</p></noscript>
            <form id="filters" hidden="hidden" role="search" aria-label="examples"><div class="filters">
            <label>task \(tasks("task"))</label>
            <label>policy \(policies("policy"))</label>
            <label>answer \(shows("show"))</label>
            <label>text in prompt, answer or reference <input type="search" id="filter-q" autocomplete="off"/></label>
            </div><input type="checkbox" id="numbers"/> <label for="numbers">write the number of the layer beside each token</label></form>
            <div id="rows"></div>
            <script type="application/json" id="data">\(Markup(stringLiteral: data.text))</script>

            """
    }

    private func options(_ any: String, _ values: [(value: String, name: String)]) -> (String) -> Markup {
        { id in
            let all = values.map { "<option value=\"\($0.value)\">\($0.name)</option>" as Markup }
            return "<select id=\"filter-\(id)\"><option value=\"\">\(any)</option>\(all)</select>"
        }
    }

    private var counts: String {
        let cut = data.shown.filter { $0.count < $0.of }
        guard !cut.isEmpty else { return "All items are shown; they lie in rows.jsonl too." }
        let parts = cut.map { "\($0.count) of \($0.of) items of \($0.task)" }.joined(separator: ", ")
        return """
            Shown are \(parts)\(cut.count < data.shown.count ? ", and all of the other tasks" : ""): the first half in their order, then those whose \
            answers differ from the full model’s, as many as there are. All lie in rows.jsonl, beside this page.
            """
    }

    private var meaning: String {
        let named = data.shown.compactMap { shown in shown.metric.map { "\($0.key) of \(shown.task)" } }
        return named.isEmpty ? "" : "Right is an answer with at least 0.5 by \(named.joined(separator: ", "))."
    }
}
