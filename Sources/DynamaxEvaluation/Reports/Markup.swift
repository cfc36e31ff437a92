/// A piece of XHTML or SVG.
///
/// What is put into a literal is escaped, unless it is markup itself, so text can never become markup:
///
///     let row: Markup = "<td>\(token.text)</td>"
public struct Markup: Sendable, ExpressibleByStringInterpolation, CustomStringConvertible {
    /// The characters of the page.
    public private(set) var text: String

    public var description: String { text }

    /// Takes a literal as it is.
    public init(stringLiteral value: String) {
        text = value
    }

    public init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
    }

    /// Pieces one after the other.
    public init(_ parts: some Sequence<Markup>) {
        text = parts.reduce(into: "") { $0 += $1.text }
    }

    public static func += (a: inout Markup, b: Markup) { a.text += b.text }

    /// Builds literals with what is put into them.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        public mutating func appendLiteral(_ literal: String) { text += literal }
        public mutating func appendInterpolation(_ text: String) { self.text += Markup.escaped(text) }
        public mutating func appendInterpolation(_ number: Int) { text += String(number) }
        public mutating func appendInterpolation(_ part: Markup) { text += part.text }
        public mutating func appendInterpolation(_ parts: some Sequence<Markup>) {
            for part in parts { text += part.text }
        }

        /// A place in a drawing, to a hundredth.
        public mutating func appendInterpolation(_ place: Double) { text += Markup.number(place) }
    }

    /// Text with all that means something in XML written otherwise; what XML cannot hold becomes U+FFFD.
    static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\r": result += "&#13;"
            case "\t", "\n": result.unicodeScalars.append(scalar)
            case "\0"..<" ", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A number with at most two digits after the point, the same in every locale.
    static func number(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "0" }
        let hundredths = Int((value * 100).rounded())
        let (whole, part) = (abs(hundredths) / 100, abs(hundredths) % 100)
        let sign = hundredths < 0 ? "-" : ""
        if part == 0 { return "\(sign)\(whole)" }
        return "\(sign)\(whole)." + (part % 10 == 0 ? "\(part / 10)" : part < 10 ? "0\(part)" : "\(part)")
    }
}

extension Markup {
    public static func + (a: Markup, b: Markup) -> Markup {
        var sum = a
        sum += b
        return sum
    }
}
