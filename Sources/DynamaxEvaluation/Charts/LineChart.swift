/// Lines and points over two axes, points with the intervals that they are known to.
///
/// Lines differ by mark and dashes as well as by colour.
public struct LineChart {
    /// A point, perhaps with the range that its value is known to.
    public struct Point: Hashable, Sendable {
        public var x: Double
        public var y: Double
        public var interval: ClosedRange<Double>?
        /// What is said of it where a pointer rests on its mark, or a screen is read out.
        public var name: String?

        /// Takes a place, its interval and its name.
        public init(_ x: Double, _ y: Double, interval: ClosedRange<Double>? = nil, name: String? = nil) {
            (self.x, self.y, self.interval, self.name) = (x, y, interval, name)
        }
    }

    /// How points of a line are drawn.
    public enum Style: Sendable {
        /// A line through marks.
        case marked
        /// A line alone.
        case plain
        /// Dashes alone, for what others are measured by.
        case dashed
        /// Marks alone.
        case scattered
    }

    /// One line of the chart.
    public struct Line: Sendable {
        public var name: String
        public var points: [Point]
        public var style: Style

        /// Takes points in the order in which they are to be joined.
        public init(_ name: String, _ points: [Point], _ style: Style = .marked) {
            (self.name, self.points, self.style) = (name, points, style)
        }
    }

    public var title: String
    public var xTitle: String
    public var yTitle: String
    public var lines: [Line]
    /// What the axes show in any case.
    public var xRange: ClosedRange<Double>?
    public var yRange: ClosedRange<Double>?
    /// Whether the lines are named above the drawing; charts that share their lines have one `legend` in common.
    public var hasLegend = true

    /// Takes all that is drawn.
    public init(
        _ title: String, x: String, y: String, xRange: ClosedRange<Double>? = nil, yRange: ClosedRange<Double>? = nil,
        lines: [Line]
    ) {
        (self.title, xTitle, yTitle, self.lines) = (title, x, y, lines)
        (self.xRange, self.yRange) = (xRange, yRange)
    }

    /// The chart as a figure of a page.
    public var markup: Markup {
        let all = lines.flatMap(\.points)
        let heights = all.flatMap { [$0.y] + ($0.interval.map { [$0.lowerBound, $0.upperBound] } ?? []) }
        let frame = ChartFrame(
            title: title, xTitle: xTitle, yTitle: yTitle, xs: Axis(covering: all.map(\.x), and: xRange),
            ys: Axis(covering: heights, and: yRange))
        var body: Markup = ""
        for (index, line) in lines.enumerated() { body += draw(line, index, frame) }
        return frame.figure(body, legend: hasLegend ? names : [])
    }

    /// The names of the lines, beside how they are drawn.
    public var legend: Markup { "<ul class=\"legend\">\(names)</ul>\n" }

    /// Lines without points keep their colour from the others, and are not named.
    private var names: [Markup] { lines.indices.filter { !lines[$0].points.isEmpty }.map(legend) }

    private func draw(_ line: Line, _ index: Int, _ frame: ChartFrame) -> Markup {
        let points = line.points.filter { $0.x.isFinite && $0.y.isFinite }
        let colour = "s\(index % ChartColours.count)"
        var drawn: Markup = ""
        for point in points {
            guard let interval = point.interval else { continue }
            let (x, low, high) = (frame.x(point.x), frame.y(interval.lowerBound), frame.y(interval.upperBound))
            drawn +=
                "<path class=\"\(colour) interval\" d=\"M\(x) \(low)V\(high)M\(x - 3) \(low)h6M\(x - 3) \(high)h6\"/>"
        }
        if line.style != .scattered, points.count > 1 {
            let path = points.map { "\(Markup.number(frame.x($0.x))) \(Markup.number(frame.y($0.y)))" }
            let dashes = line.style == .dashed ? " dashed" : ""
            drawn += "<path class=\"\(colour)\(dashes)\" d=\"M\(path.joined(separator: "L"))\"/>"
        }
        if line.style == .marked || line.style == .scattered || points.count == 1 {
            drawn += Markup(
                points.map { ChartMark(index).markup(frame.x($0.x), frame.y($0.y), colour, name: $0.name) })
        }
        return drawn
    }

    private func legend(_ index: Int) -> Markup {
        let colour = "s\(index % ChartColours.count)"
        let style = lines[index].style
        let line: Markup =
            style == .scattered
            ? "" : "<path class=\"\(colour)\(style == .dashed ? " dashed" : "")\" d=\"M1 7h24\"/>"
        let mark = style == .marked || style == .scattered ? ChartMark(index).markup(13, 7, colour) : ""
        return """
            <li><svg class="swatch" viewBox="0 0 26 14" aria-hidden="true">\(line)\(mark)</svg>\(lines[index].name)</li>
            """
    }
}

/// The shape that marks the points of a line.
struct ChartMark {
    private let shape: Int

    init(_ index: Int) { shape = index % 5 }

    func markup(_ x: Double, _ y: Double, _ colour: String, name: String? = nil) -> Markup {
        let place: Markup = "M\(x) \(y)"
        let outline: Markup =
            switch shape {
            case 0: "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z"
            case 1: "m-3 -3h6v6h-6z"
            case 2: "m0 -4l4 7h-8z"
            case 3: "m0 -4.5l4 4.5l-4 4.5l-4 -4.5z"
            default: "m-4 -3h8l-4 7z"
            }
        let title: Markup = name.map { "<title>\($0)</title>" } ?? ""
        return "<path class=\"\(colour) mark\" d=\"\(place)\(outline)\">\(title)</path>"
    }
}
