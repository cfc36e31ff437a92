public import DynamaxTensor

/// The page of a text that was seen through.
public struct XRayPage {
    public let xray: TextXRay
    /// The prompt as text.
    public let prompt: String
    /// The part of the text that each token adds, as many as there are tokens.
    public let texts: [String]
    /// Facts about model and settings, in their order.
    public let facts: [(name: String, value: String)]
    /// A token of the vocabulary as its piece is spelled.
    public let piece: (Token) -> String

    /// Takes what the page says.
    public init(
        _ xray: TextXRay, prompt: String, texts: [String], facts: [(name: String, value: String)],
        piece: @escaping (Token) -> String
    ) {
        precondition(texts.count == xray.entries.count)
        (self.xray, self.prompt, self.texts, self.facts, self.piece) = (xray, prompt, texts, facts, piece)
    }

    var count: Int { xray.trace.layerCount }

    /// The characters of the file.
    public var text: String {
        var page = Page("A text and the layers that wrote it")
        page.style = style
        page.add("Settings", .facts(facts) + summary)
        page.add("Text", textSection)
        page.add("Layers", layerSection)
        page.add("Tokens and layers", gridSection)
        page.add("Cost", costSection)
        page.add("Tokens", tokenSection)
        return page.text
    }

    private var summary: Markup {
        let agreeing = xray.entries.count(where: \.agrees)
        var parts = Markup.paragraph(
            "\(xray.entries.count) tokens, \(agreeing) of them what the full model would have written after the same text."
        )
        if let place = xray.divergence {
            parts += "<p>The text leaves the full model’s own at token <a href=\"#t\(place)\">\(place)</a>.</p>\n"
        } else if xray.full != nil {
            parts += .paragraph("The text is the full model’s own, token by token.")
        }
        return parts + warnings
    }

    /// Says so where exits have cost more than they saved.
    private var warnings: Markup {
        guard xray.full != nil else { return "" }
        var parts: Markup = ""
        // What rounds to nothing is no warning.
        if xray.costRatio >= 1.005 {
            parts += .warning(
                "this policy touches \(Figures.decimal(xray.costRatio)) times the bytes that all layers would have touched."
            )
        }
        if let ratio = xray.timeRatio, ratio >= 1.005 {
            parts += .warning("writing the text took \(Figures.decimal(ratio)) times as long as the full model takes.")
        }
        return parts
    }

    // MARK: Text

    private var textSection: Markup {
        let spans = xray.entries.indices.map { index -> Markup in
            let entry = xray.entries[index]
            let draft: Markup = entry.rejected.map { "<del title=\"a draft\">\(Self.visible(piece($0)))</del>" } ?? ""
            return
                "\(draft)<a id=\"w\(index)\" class=\"k\(entry.layer)\(entry.agrees ? "" : " x")\" href=\"#t\(index)\" data-l=\"\(entry.layer)\">\(texts[index])</a>"
        }
        let used = Set(xray.entries.map(\.layer)).sorted()
        let legend = used.map { "<li><span class=\"k\($0) key\">\($0)</span></li>" as Markup }
        let drafts = xray.entries.contains { $0.rejected != nil }
        return """
            <p class="note">The line below a token has the colour of the layer that decided it; a wavy line on top of it stands where the \
            full model would have written another token. \(drafts ? "Crossed out before a token: the draft that was not kept. " : "")\
            Each token leads to its row in the table below.</p>
            <ul class="legend" aria-label="layers"><li>layer</li>\(legend)</ul>
            <p><input type="checkbox" id="numbers"/> <label for="numbers">write the number of the layer beside each token</label></p>
            <div class="text"><span class="prompt">\(prompt)</span>\(spans)</div>

            """
    }

    private var style: Markup {
        return """
            \(PageStyle.tokens(Set(xray.entries.map(\.layer)), of: count))\
            del{color:var(--soft);font-size:.85em}:target{outline:2px solid var(--s1)}tr:target{background:var(--box)}td .piece,.piece{font-family:ui-monospace,monospace;white-space:pre;background:var(--box);padding:0 .25em}

            """
    }

    // MARK: Layers

    private var layerSection: Markup {
        let rows = xray.layers.map { layer -> Markup in
            .row(
                "\(layer.number)",
                [
                    Figures.percent(layer.agreement), Figures.decimal(layer.probability, 3), "\(layer.decided)",
                    layer.decided > 0 ? Figures.percent(Double(layer.decidedAgreeing) / Double(layer.decided)) : "–",
                ])
        }
        let names = xray.layers.map { "\($0.number)" }
        let exits = BarChart(
            "Tokens by the layer that decided them", x: "layer", y: "tokens",
            bars: xray.layers.map {
                .init("\($0.number)", Double($0.decided), label: $0.decided > 0 ? "\($0.decided)" : "")
            })
        let agreement = BarChart(
            "Agreement of each layer with the full model", x: "layer", y: "share of tokens", range: 0...1,
            bars: zip(names, xray.layers).map { .init($0, $1.agreement, label: Figures.decimal($1.agreement)) })
        return """
            <p class="note">Agreement: the share of all tokens for which the shared head after that layer would have said what the full model \
            says, given the text as it was written. Probability: what that head gives to the full model’s token, on average.</p>
            \(exits.markup)\(agreement.markup)\
            \(Markup.table(["layer", "agreement", "probability", "tokens decided", "of these the full model’s"], rows))
            """
    }

    private var gridSection: Markup {
        let grid = HeatMap(
            "Each layer’s word on each token", names: (1...count).reversed().map { "\($0)" },
            columns: xray.entries.count
        ) { row, column in
            let layer = count - row
            return .init(
                Double(xray.trace.positions[column][layer - 1].probability),
                isFull: xray.trace.agrees(column, layer: layer), isMarked: xray.entries[column].layer == layer)
        }
        return """
            <p class="note">Columns are tokens, rows are layers, the last on top. A full cell: the head after this layer says what the full model \
            says. A thin line: it says something else. The stronger the colour, the more probable it finds the full model’s token. The \
            dot is where the token was decided.</p>
            \(grid.markup)

            """
    }

    /// Text of which every character can be seen.
    static func visible(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "⏎"
            case "\t": result += "⇥"
            case "\0"..<" ": result.unicodeScalars.append(Unicode.Scalar(scalar.value + 0x2400) ?? "\u{FFFD}")
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
