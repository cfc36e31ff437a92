import Foundation

/// Numbers as people read them.
enum Figures {
    /// With so many digits after the point, or a dash where there is none.
    static func decimal(_ value: Double?, _ digits: Int = 2) -> String {
        guard let value, value.isFinite else { return "–" }
        return String(format: "%.\(digits)f", value)
    }

    static func percent(_ share: Double?, _ digits: Int = 1) -> String {
        guard let share, share.isFinite else { return "–" }
        return String(format: "%.\(digits)f %%", 100 * share)
    }

    /// In B, kB, MB or GB.
    static func bytes(_ count: Double) -> String { scaled(count, ["B", "kB", "MB", "GB", "TB"]) }

    /// Multiply-accumulates, in thousands, millions and so on.
    static func operations(_ count: Double) -> String { scaled(count, ["", "k", "M", "G", "T"]) }

    /// With its sign, the minus of typography.
    static func signed(_ value: Double?, _ digits: Int = 2) -> String {
        guard let value, value.isFinite else { return "–" }
        let text = decimal(abs(value), digits)
        // What rounds to nothing has no sign.
        guard text.contains(where: { ("1"..."9").contains($0) }) else { return text }
        return (value < 0 ? "−" : "+") + text
    }

    static func milliseconds(_ seconds: Double?) -> String { decimal(seconds.map { 1000 * $0 }, 3) }

    private static func scaled(_ count: Double, _ units: [String]) -> String {
        guard count.isFinite else { return "–" }
        var (value, unit) = (count, 0)
        while abs(value) >= 1000, unit + 1 < units.count { (value, unit) = (value / 1000, unit + 1) }
        let digits = unit == 0 ? 0 : abs(value) < 10 ? 2 : abs(value) < 100 ? 1 : 0
        return String(format: "%.\(digits)f", value) + (units[unit].isEmpty ? "" : " " + units[unit])
    }
}
