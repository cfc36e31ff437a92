/// What charts with two axes share: a frame with ticks and titles, into which they draw.
///
/// Colours and fonts come from the page, by classes; so charts follow its dark mode. One unit is a pixel on a wide screen.
struct ChartFrame {
    let title: String
    let xTitle: String
    let yTitle: String
    let xs: Axis
    let ys: Axis
    var height = 300.0
    /// What is written at places along the axis instead of its ticks.
    var names: [(place: Double, name: String)]?

    private let width = 480.0
    private let left = 60.0
    private let right = 14.0
    private let top = 12.0
    private let bottom = 46.0

    func x(_ value: Double) -> Double { xs.place(value, left, width - right) }
    func y(_ value: Double) -> Double { ys.place(value, height - bottom, top) }

    /// The whole drawing around what was drawn.
    func figure(_ body: Markup, legend: [Markup] = []) -> Markup {
        let grid = ys.ticks.map { tick -> Markup in
            """
            <path class="grid" d="M\(left) \(y(tick))H\(width - right)"/>\
            <text x="\(left - 7)" y="\(y(tick))" dy=".32em" text-anchor="end">\(ys.label(tick))</text>
            """
        }
        let marks = (names ?? xs.ticks.map { ($0, xs.label($0)) }).map { mark -> Markup in
            "<text x=\"\(x(mark.place))\" y=\"\(height - bottom + 18)\" text-anchor=\"middle\">\(mark.name)</text>"
        }
        let middle = (top + height - bottom) / 2
        let items = legend.isEmpty ? "" : "<ul class=\"legend\">\(legend)</ul>" as Markup
        return """
            <figure><figcaption>\(title)</figcaption>\(items)
            <svg class="chart" viewBox="0 0 \(width) \(height)" role="img"><title>\(title)</title>
            \(grid)
            \(marks)
            <path class="axis" d="M\(left) \(top)V\(height - bottom)H\(width - right)"/>
            \(body)
            <text x="\((left + width - right) / 2)" y="\(height - 8)" text-anchor="middle">\(xTitle)</text>
            <text transform="translate(14 \(middle)) rotate(-90)" text-anchor="middle">\(yTitle)</text>
            </svg></figure>

            """
    }
}
