import Foundation

/// The colours of charts and of layers, for light and dark pages.
enum ChartColours {
    /// Colours that people who see few colours tell apart (Okabe and Ito 2008), for light pages and for dark ones.
    static let lines: [(light: String, dark: String)] = [
        ("#0072b2", "#56b4e9"), ("#d55e00", "#ff8c42"), ("#00855f", "#2fd3a2"), ("#a8528a", "#e79bc9"),
        ("#8a6d00", "#f0e442"), ("#555", "#bbb"), ("#5b3fb5", "#b3a1ff"), ("#b00020", "#ff8a80"),
    ]

    static var count: Int { lines.count }

    /// From the first layer to the last: hue and lightness both change, and all are seen on light pages and on dark ones.
    private static let ramp: [(Double, Double, Double)] = [
        (235, 195, 40), (110, 190, 90), (30, 155, 160), (60, 115, 205), (145, 75, 200),
    ]

    /// The colour at a share of the way from the first layer, 0, to the last, 1.
    static func layer(_ share: Double) -> String {
        let place = min(max(share, 0), 1) * Double(ramp.count - 1)
        let index = min(Int(place), ramp.count - 2)
        let part = place - Double(index)
        func mixed(_ a: Double, _ b: Double) -> String {
            let value = Int((a + (b - a) * part).rounded())
            return (value < 16 ? "0" : "") + String(value, radix: 16)
        }
        let (a, b) = (ramp[index], ramp[index + 1])
        return "#" + mixed(a.0, b.0) + mixed(a.1, b.1) + mixed(a.2, b.2)
    }

    /// Rules of style that give layers their colours, and the ink that is read on them: classes `k1`, `k2` and so on.
    static func rules(_ layers: Set<Int>, of count: Int) -> String {
        layers.sorted().map { layer in
            let colour = ChartColours.layer(count > 1 ? Double(layer - 1) / Double(count - 1) : 1)
            return ".k\(layer){--k:\(colour);--on:\(isBright(colour) ? "#000" : "#fff")}"
        }.joined()
    }

    /// Whether black is easier to read on a colour than white: by relative luminance (WCAG 2.2), where both contrast alike.
    private static func isBright(_ colour: String) -> Bool {
        let digits = Int(colour.dropFirst(), radix: 16) ?? 0
        let parts = [digits >> 16, digits >> 8, digits].map { byte -> Double in
            let value = Double(byte & 255) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] > 0.179
    }
}
