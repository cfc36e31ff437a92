import Foundation

/// A line chart in SVG: steps along, losses up, the training loss faint with its smoothed form on it, and held-out losses.
///
/// Colours follow the reader's light or dark mode. Text is in the font of the page.
struct LossChart {
    /// One line of the chart.
    struct Line {
        let name: String
        let points: [(x: Double, y: Double)]
        /// Whether many points are drawn faintly, under their smoothed form.
        let isNoisy: Bool
    }

    let title: String
    let lines: [Line]

    private let width = 860.0
    private let height = 440.0
    private let left = 60.0
    private let right = 20.0
    private let top = 44.0
    private let bottom = 44.0

    /// The chart as SVG text.
    var svg: String {
        let all = lines.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
        let (xs, ys) = (Axis(all.map(\.x), fromZero: true), Axis(all.map(\.y), fromZero: false))
        var body = ""
        for tick in ys.ticks {
            let y = number(place(tick, ys, height - bottom, top))
            body += "<path class=\"grid\" d=\"M\(number(left)) \(y)H\(number(width - right))\"/>"
            body +=
                "<text x=\"\(number(left - 8))\" y=\"\(y)\" dy=\".32em\" text-anchor=\"end\">\(label(tick))</text>\n"
        }
        for tick in xs.ticks {
            let x = number(place(tick, xs, left, width - right))
            body +=
                "<text x=\"\(x)\" y=\"\(number(height - bottom + 18))\" text-anchor=\"middle\">\(label(tick))</text>\n"
        }
        body +=
            "<path class=\"axis\" d=\"M\(number(left)) \(number(top))V\(number(height - bottom))H\(number(width - right))\"/>\n"
        body +=
            "<text x=\"\(number((left + width - right) / 2))\" y=\"\(number(height - 8))\" text-anchor=\"middle\">step</text>\n"
        var legend = left
        for (index, line) in lines.enumerated() {
            let colour = "c\(index % 6)"
            let points = line.points.filter { $0.x.isFinite && $0.y.isFinite }
            if line.isNoisy {
                body += path(LossChart.thinned(points), xs, ys, "\(colour) faint")
                body += path(LossChart.thinned(LossChart.smoothed(points)), xs, ys, colour)
            } else {
                body += path(points, xs, ys, colour)
                for point in points.count <= 60 ? points[...] : points.suffix(1) {
                    let (x, y) = (place(point.x, xs, left, width - right), place(point.y, ys, height - bottom, top))
                    body += "<circle class=\"\(colour)\" cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"2.5\"/>"
                }
            }
            body += "<path class=\"\(colour)\" d=\"M\(number(legend)) 30h18\"/>"
            body += "<text x=\"\(number(legend + 23))\" y=\"30\" dy=\".32em\">\(LossChart.escape(line.name))</text>\n"
            legend += 40 + 6.6 * Double(line.name.count)
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(height))" role="img">
            <title>\(LossChart.escape(title))</title>
            <style>
            svg { background: #fff } text { font: 12px sans-serif; fill: #333 } path { fill: none; stroke-width: 1.6 }
            .title { font-size: 14px; font-weight: 600 } .grid { stroke: #e6e6e6; stroke-width: 1 } .axis { stroke: #888; stroke-width: 1 }
            .c0 { stroke: #1f77b4 } .c1 { stroke: #d62728 } .c2 { stroke: #2ca02c } .c3 { stroke: #9467bd }
            .c4 { stroke: #ff7f0e } .c5 { stroke: #17becf } circle { fill: none } .faint { opacity: .3; stroke-width: 1 }
            @media (prefers-color-scheme: dark) {
            svg { background: #16181c } text { fill: #ccc } .grid { stroke: #2c3036 } .axis { stroke: #777 }
            .c0 { stroke: #6baed6 } .c1 { stroke: #ff7b72 } .c2 { stroke: #7ee787 } .c3 { stroke: #c3a6ff }
            .c4 { stroke: #ffb366 } .c5 { stroke: #76e3ea }
            }
            </style>
            <text class="title" x="\(number(left))" y="14" dy=".32em">\(LossChart.escape(title))</text>
            \(body)</svg>

            """
    }

    private func path(_ points: [(x: Double, y: Double)], _ xs: Axis, _ ys: Axis, _ style: String) -> String {
        guard !points.isEmpty else { return "" }
        let places = points.map { point in
            "\(number(place(point.x, xs, left, width - right))) \(number(place(point.y, ys, height - bottom, top)))"
        }
        return "<path class=\"\(style)\" d=\"M\(places.joined(separator: "L"))\"/>\n"
    }

    private func place(_ value: Double, _ axis: Axis, _ from: Double, _ to: Double) -> Double {
        let clamped = min(max(value, axis.low), axis.high)
        return from + (clamped - axis.low) / (axis.high - axis.low) * (to - from)
    }

    private func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    private func label(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : String(format: "%.4g", value)
    }

    private static func escape(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    }

    /// An exponential mean that does not favour the first point; it looks back over about a fiftieth of the points.
    static func smoothed(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
        let keep = 1 - 1 / max(1, Double(points.count) / 50)
        var (sum, weight) = (0.0, 0.0)
        return points.map { point in
            sum = keep * sum + (1 - keep) * point.y
            weight = keep * weight + (1 - keep)
            return (point.x, sum / weight)
        }
    }

    /// At most 1000 of the points, evenly, the last among them: more cannot be told apart.
    static func thinned(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
        let step = (points.count + 999) / 1000
        return step <= 1
            ? points : points.enumerated().filter { ($0.offset - points.count + 1) % step == 0 }.map(\.element)
    }

    /// The range of an axis, and round numbers in it.
    struct Axis {
        let low: Double
        let high: Double
        let ticks: [Double]

        /// The highest values of a steep start are cut off: all but one in fifty values fit.
        init(_ values: [Double], fromZero: Bool) {
            let sorted = values.sorted()
            var low = fromZero ? 0 : sorted.first ?? 0
            var high = sorted.isEmpty ? 1 : sorted[fromZero ? sorted.count - 1 : (sorted.count - 1) * 49 / 50]
            if !fromZero {
                let margin = (high - low) * 0.05
                (low, high) = (low - margin, high + margin)
            }
            if high - low < 1e-9 { (low, high) = (low - 0.5, low + 0.5) }
            self.low = low
            self.high = high
            let rough = (high - low) / 6
            let magnitude = pow(10, log10(rough).rounded(.down))
            let step = [1.0, 2, 5, 10].map { $0 * magnitude }.first { $0 >= rough } ?? 10 * magnitude
            let first = (low / step).rounded(.up)
            let count = Int(((high / step).rounded(.down) - first)) + 1
            ticks = (0..<max(0, min(count, 20))).map { (first + Double($0)) * step }
        }
    }
}
