import DynamaxDepth
import DynamaxLayers
import DynamaxModels

// What the page says of costs and of each token.

extension XRayPage {
    var costSection: Markup {
        let (own, full) = (xray.account, xray.fullAccount)
        let hasExits = xray.full != nil
        func row(_ name: String, _ value: (TextXRay.Account) -> String) -> Markup {
            .row(name, [value(own)] + (hasExits ? [value(full)] : []))
        }
        func perToken(_ count: KeyPath<Ledger, Int>) -> (TextXRay.Account) -> String {
            { Figures.decimal(Double($0.ledger[keyPath: count]) / Double(max($0.tokens, 1))) }
        }
        var rows: [Markup] = [
            row("rows through layers for their own token", perToken(\.layerRows)),
            row("rows that caught up or were verified", perToken(\.catchUpRows)),
        ]
        if own.ledger.stateOnlyRows > 0 { rows.append(row("rows that only moved a state", perToken(\.stateOnlyRows))) }
        rows.append(row("rows through the language-model head", perToken(\.headRows)))
        if own.ledger.exitHeadRows > 0 { rows.append(row("rows through heads of exits", perToken(\.exitHeadRows))) }
        rows += [
            row("bytes touched, predicted") { Figures.bytes($0.bytesPerToken) },
            row("multiply-adds, predicted") {
                Figures.operations(Double($0.ledger.cost.multiplyAdds) / Double(max($0.tokens, 1)))
            },
            row("milliseconds, measured") { Figures.milliseconds($0.secondsPerToken) },
            row("tokens a second, measured") { Figures.decimal($0.secondsPerToken.map { 1 / max($0, 1e-12) }, 1) },
            row("bytes a second") {
                $0.secondsPerToken.map { [bytes = $0.bytesPerToken] in Figures.bytes(bytes / max($0, 1e-12)) } ?? "–"
            },
        ]
        var parts = Markup.paragraph(
            "For each of \(own.tokens) tokens after the first, which the prompt’s pass has decided. Rows are counted once a layer."
        )
        parts += .table(["for each token", "this text"] + (hasExits ? ["full model"] : []), rows)
        if own.ledger.draftedTokens > 0 {
            parts += .paragraph(
                "\(own.ledger.draftedTokens) tokens were drafted, and \(own.ledger.acceptedTokens) of them kept.")
        }
        return parts + courseCharts
    }

    /// Bytes and time along the text. Tokens that were decided together share both.
    private var courseCharts: Markup {
        let steps = xray.steps.filter { !$0.tokens.isEmpty }
        guard steps.count > 1 else { return "" }
        func line(_ name: String, _ style: LineChart.Style, _ value: (TextXRay.Step) -> Double) -> LineChart.Line {
            LineChart.Line(
                name,
                steps.flatMap { step in
                    let share = value(step) / Double(step.tokens.count)
                    let ends = Set([step.tokens.lowerBound, step.tokens.upperBound - 1]).sorted()
                    return ends.map { LineChart.Point(Double($0), share) }
                }, style)
        }
        let unit = steps.contains { $0.full.cost.bytes >= 1_000_000_000 } ? (1e9, "GB") : (1e6, "MB")
        var bytes = [line("this text", .plain) { Double($0.ledger.cost.bytes) / unit.0 }]
        if xray.full != nil { bytes.append(line("full model", .dashed) { Double($0.full.cost.bytes) / unit.0 }) }
        let predicted = LineChart(
            "Bytes touched for each token, predicted", x: "token", y: unit.1, yRange: 0...0, lines: bytes)
        // A few tokens that the machine was busy during would flatten all others.
        let times = steps.map { 1e6 * $0.seconds / Double($0.tokens.count) }.sorted()
        let most = times[(times.count - 1) * 98 / 100]
        let measured = LineChart(
            "Time for each token, measured", x: "token", y: "microseconds", yRange: 0...0,
            lines: [line("this text", .plain) { min(1e6 * $0.seconds, most * Double($0.tokens.count)) }])
        let cut =
            times.last ?? 0 > most
            ? "<p class=\"note\">The slowest two of a hundred are drawn at the edge.</p>\n" : "" as Markup
        return predicted.markup + measured.markup + cut
    }

    var tokenSection: Markup {
        let hasScores = xray.entries.contains { $0.score != nil }
        let hasDrafts = xray.entries.contains { $0.rejected != nil }
        let hasExits = xray.full != nil
        var columns: [(title: String, isText: Bool)] = [("", false), ("text", true), ("id", false), ("layer", false)]
        if hasScores { columns.append(("score", false)) }
        columns.append(("full model says", true))
        if hasDrafts { columns.append(("draft not kept", true)) }
        if hasExits { columns.append(("its own row", true)) }
        columns += [("layers that agree", false), ("bytes", false), ("ms", false)]
        let steps = Dictionary(
            xray.steps.filter { !$0.tokens.isEmpty }.map { ($0.tokens.lowerBound, $0) }, uniquingKeysWith: { a, _ in a }
        )
        let followers = Set(xray.steps.flatMap { Array($0.tokens.dropFirst()) })
        let rows = xray.entries.indices.map { index -> Markup in
            let entry = xray.entries[index]
            let others = (1..<max(count, 1)).count { xray.trace.agrees(index, layer: $0) }
            var cells: Markup = """
                <td class="t"><span class="piece">\(Self.visible(texts[index]))</span></td><td>\(Int(entry.token))</td><td>\(entry.layer)</td>
                """
            if hasScores { cells += "<td>\(Figures.decimal(entry.score.map(Double.init), 3))</td>" }
            cells += entry.agrees ? "<td class=\"t\">the same</td>" : "<td class=\"t\">\(name(entry.full))</td>"
            if hasDrafts { cells += "<td class=\"t\">\(entry.rejected.map { name($0) } ?? "")</td>" }
            if hasExits { cells += "<td class=\"t\">\(words(entry.state))</td>" }
            cells += "<td>\(others) of \(count - 1)</td>"
            if let step = steps[index] {
                let span = step.tokens.count > 1 ? " rowspan=\"\(step.tokens.count)\"" as Markup : ""
                cells +=
                    "<td\(span)>\(Figures.bytes(Double(step.ledger.cost.bytes)))</td><td\(span)>\(Figures.milliseconds(step.seconds))</td>"
            } else if !followers.contains(index) {
                cells += "<td></td><td></td>"
            }
            return "<tr id=\"t\(index)\"><th scope=\"row\"><a href=\"#w\(index)\">\(index)</a></th>\(cells)</tr>\n"
        }
        return """
            <p class="note">Bytes and time of tokens that were decided together stand once. The prompt’s pass has decided token 0.\
            \(hasExits ? " Its own row: what became of the token’s position when it was read, to decide the token after it." : "")</p>
            \(Markup.table(columns.map(\.title), rows, texts: Set(columns.indices.filter { columns[$0].isText })))
            """
    }

    private func name(_ token: Int32?) -> Markup {
        token.map { "<span class=\"piece\">\(Self.visible(piece($0)))</span> \(Int($0))" } ?? "–"
    }

    private func words(_ fate: StateFate) -> String {
        switch fate {
        case .complete: "all layers"
        case .verified: "verified in its round"
        case .caughtUp(let other): "caught up with \(other)"
        case .waits(let layer): "waits after layer \(layer)"
        case .moved(let rule): "states by \(rule.rawValue)"
        case .unread: "not read"
        }
    }
}
