/// Bars over names, such as a histogram of layers.
public struct BarChart {
    /// A bar, with what is written above it.
    public struct Bar: Hashable, Sendable {
        public var name: String
        public var value: Double
        public var label: String

        /// Takes a name, a height and what is written above it.
        public init(_ name: String, _ value: Double, label: String = "") {
            (self.name, self.value, self.label) = (name, value, label)
        }
    }

    public var title: String
    public var xTitle: String
    public var yTitle: String
    public var bars: [Bar]
    /// What the axis of the values shows in any case.
    public var range: ClosedRange<Double>

    /// Takes all that is drawn.
    public init(
        _ title: String, x: String, y: String, range: ClosedRange<Double> = 0...0, bars: [Bar]
    ) {
        (self.title, xTitle, yTitle, self.range, self.bars) = (title, x, y, range, bars)
    }

    /// The chart as a figure of a page.
    public var markup: Markup {
        let count = Double(max(bars.count, 1))
        // Of many names, some are written: those that find room.
        let every = max(1, (bars.count * (2 + (bars.map(\.name.count).max() ?? 1)) + 49) / 50)
        var frame = ChartFrame(
            title: title, xTitle: xTitle, yTitle: yTitle, xs: Axis(covering: [], and: 0...count),
            ys: Axis(covering: bars.map(\.value), and: 0...(bars.contains { $0.value > 0 } ? range.upperBound : 1)),
            height: 240)
        frame.names = bars.enumerated().filter { $0.offset % every == 0 }.map {
            (Double($0.offset) + 0.5, $0.element.name)
        }
        var body: Markup = ""
        for (index, bar) in bars.enumerated() where bar.value.isFinite {
            let (left, right) = (frame.x(Double(index) + 0.12), frame.x(Double(index) + 0.88))
            let (top, foot) = (frame.y(bar.value), frame.y(0))
            body += "<path class=\"bar\" d=\"M\(left) \(foot)V\(top)H\(right)V\(foot)z\"/>"
            if bars.count <= 16, !bar.label.isEmpty {
                body +=
                    "<text x=\"\((left + right) / 2)\" y=\"\(max(top - 4, 12))\" text-anchor=\"middle\">\(bar.label)</text>"
            }
        }
        return frame.figure(body)
    }
}
