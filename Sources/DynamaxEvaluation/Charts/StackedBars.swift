/// Bars over names, each of the same length and parted into shares: how the tokens of each task are spread over layers.
///
/// Parts have the colours of layers, so the page has to have `ChartColours.rules`.
public struct StackedBars {
    /// One bar.
    public struct Bar: Hashable, Sendable {
        public var name: String
        /// What lies in each part, by layer.
        public var counts: [Int: Int]
        /// What is written at its end.
        public var label: String

        /// Takes a name, the parts and what is written at the end.
        public init(_ name: String, _ counts: [Int: Int], label: String = "") {
            (self.name, self.counts, self.label) = (name, counts, label)
        }
    }

    public var title: String
    /// What names and labels are.
    public var nameTitle: String
    public var labelTitle: String
    public var bars: [Bar]

    private let width = 480.0
    private let row = 24.0
    private let top = 20.0

    /// Takes all that is drawn.
    public init(_ title: String, names: String, labels: String, bars: [Bar]) {
        (self.title, nameTitle, labelTitle, self.bars) = (title, names, labels, bars)
    }

    /// The chart as a figure of a page.
    public var markup: Markup {
        let longest = (bars.map(\.name) + [nameTitle]).map(\.count).max() ?? 0
        // Wide enough for the larger letters of narrow screens, too.
        let left = min(max(Double(longest) * 8.2 + 10, 44), 200)
        let right = width - 44
        let drawn = bars.enumerated().map { index, bar in
            draw(bar, top + Double(index) * row, left, right)
        }
        return """
            <figure><figcaption>\(title)</figcaption>
            <svg class="chart bars" viewBox="0 0 \(width) \(top + Double(bars.count) * row + 2)" role="img"><title>\(title)</title>
            <text class="soft" x="\(left - 7)" y="13" text-anchor="end">\(nameTitle)</text>\
            <text class="soft" x="\(width)" y="13" text-anchor="end">\(labelTitle)</text>
            \(drawn)</svg></figure>

            """
    }

    private func draw(_ bar: Bar, _ y: Double, _ left: Double, _ right: Double) -> Markup {
        let total = max(bar.counts.values.reduce(0, +), 1)
        var before = 0
        var parts: Markup = ""
        for (layer, count) in bar.counts.sorted(by: { $0.key < $1.key }) where count > 0 {
            let start = left + (right - left) * Double(before) / Double(total)
            let size = (right - left) * Double(count) / Double(total)
            let middle = start + size / 2
            // Hundredths of a unit make no gaps that are seen.
            parts += """
                <path class="k\(layer)" d="M\(start) \(y + 2)h\(size)v\(row - 4)h\(-size)z">\
                <title>\(bar.name), layer \(layer): \(Figures.percent(Double(count) / Double(total)))</title></path>
                """
            if size >= (layer > 9 ? 20 : 12) {
                parts +=
                    "<text class=\"k\(layer)\" x=\"\(middle)\" y=\"\(y + row / 2)\" dy=\".35em\" text-anchor=\"middle\">\(layer)</text>"
            }
            before += count
        }
        return """
            <text x="\(left - 7)" y="\(y + row / 2)" dy=".35em" text-anchor="end">\(bar.name)</text>\(parts)\
            <text x="\(width)" y="\(y + row / 2)" dy=".35em" text-anchor="end">\(bar.label)</text>

            """
    }
}
