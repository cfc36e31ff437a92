/// A grid of cells, shaded by a number and of two sizes: rows such as layers, columns such as tokens, in bands of some columns.
///
/// Cells that look alike are one path, so that a large grid is a small drawing.
public struct HeatMap {
    /// A cell of the grid.
    public struct Cell: Hashable, Sendable {
        /// From 0 for faint to 1 for strong.
        public var value: Double
        /// Whether it fills its place; else it is a thin line.
        public var isFull: Bool
        /// Whether it has a dot in it.
        public var isMarked: Bool

        /// Takes how a cell looks.
        public init(_ value: Double, isFull: Bool, isMarked: Bool = false) {
            (self.value, self.isFull, self.isMarked) = (value, isFull, isMarked)
        }
    }

    public var title: String
    /// What is written at the left of each row, from the top.
    public var names: [String]
    public var columns: Int
    /// The cell in a row, from the top, and a column.
    public var cell: (_ row: Int, _ column: Int) -> Cell

    /// Shades that can be told apart.
    static let shades = 5
    private let band = 32

    /// Takes all that is drawn.
    public init(
        _ title: String, names: [String], columns: Int, cell: @escaping (_ row: Int, _ column: Int) -> Cell
    ) {
        (self.title, self.names, self.columns, self.cell) = (title, names, columns, cell)
    }

    /// The grid as a figure of a page.
    public var markup: Markup {
        let bands = stride(from: 0, to: max(columns, 1), by: band).map { start in
            draw(start..<min(start + band, columns))
        }
        return "<figure class=\"heatmap\"><figcaption>\(title)</figcaption>\n\(bands)</figure>\n"
    }

    private func draw(_ columns: Range<Int>) -> Markup {
        var paths: [String: String] = [:]
        var dots = ""
        for row in names.indices {
            var column = columns.lowerBound
            while column < columns.upperBound {
                let look = look(cell(row, column))
                var end = column
                while end < columns.upperBound, self.look(cell(row, end)) == look {
                    if cell(row, end).isMarked { dots += "M\(end - columns.lowerBound).5 \(row).5h0" }
                    end += 1
                }
                paths[look, default: ""] += "M\(column - columns.lowerBound) \(row).5h\(end - column)"
                column = end
            }
        }
        let drawn = paths.sorted { $0.key < $1.key }.map { look, path -> Markup in
            "<path class=\"\(look)\" d=\"\(path)\"/>"
        }
        // Lines between the columns keep a row of equal cells countable.
        let ruled = (1..<max(columns.count, 2)).map { "M\($0) 0v\(names.count)" }.joined()
        let sides = names.enumerated().map { row, name -> Markup in
            "<text x=\"-.4\" y=\"\(row).5\" dy=\".32em\" text-anchor=\"end\">\(name)</text>"
        }
        let places = columns.filter { $0 % 10 == 0 }.map { column -> Markup in
            "<text x=\"\(Double(column - columns.lowerBound) + 0.5)\" y=\"\(Double(names.count) + 0.9)\" text-anchor=\"middle\">\(column)</text>"
        }
        return """
            <svg class="heat" viewBox="-3 -.2 \(band + 3) \(Double(names.count) + 1.6)" role="img">\
            <title>\(title), columns \(columns.lowerBound) to \(columns.upperBound - 1)</title>\
            \(drawn)<path class="rule" d="\(ruled)"/><path class="dot" d="\(dots)"/>\(sides)\(places)</svg>

            """
    }

    private func look(_ cell: Cell) -> String {
        let value = cell.value.isFinite ? min(max(cell.value, 0), 1) : 0
        let shade = min(Int(value * Double(HeatMap.shades)), HeatMap.shades - 1)
        return "h\(shade)\(cell.isFull ? "" : " thin")"
    }
}
