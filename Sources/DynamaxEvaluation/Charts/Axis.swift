import Foundation

/// The range of one axis of a chart, with round numbers in it.
struct Axis: Hashable {
    let low: Double
    let high: Double
    let ticks: [Double]
    /// Digits after the point that tell the ticks apart.
    private let digits: Int

    /// - Parameters:
    ///   - values: all that have to fit; those that are not numbers are left out.
    ///   - range: what has to be shown in any case.
    ///   - count: ticks to aim at.
    ///   - whole: whether ticks are whole numbers.
    init(
        covering values: some Sequence<Double>, and range: ClosedRange<Double>? = nil, ticks count: Int = 6,
        whole: Bool = false
    ) {
        let all = values.filter(\.isFinite) + (range.map { [$0.lowerBound, $0.upperBound] } ?? [])
        var (least, most) = (all.min() ?? 0, all.max() ?? 1)
        if most - least <= 1e-12 * max(abs(least), abs(most), 1e-6) {
            let margin = least == 0 ? 1 : abs(least) * 0.1
            (least, most) = (least - margin, most + margin)
        }
        let rough = (most - least) / Double(max(count, 1))
        let magnitude = pow(10, log10(rough).rounded(.down))
        let nice = [1.0, 2, 2.5, 5, 10].map { $0 * magnitude }.first { $0 >= rough * 0.999 } ?? 10 * magnitude
        let step = whole ? max(nice.rounded(.up), 1) : nice
        // The axis ends at the tick beyond the values, or at the one that they reach.
        let first = (least / step + 1e-6).rounded(.down)
        let last = (most / step - 1e-6).rounded(.up)
        low = range.map { min($0.lowerBound, least) == $0.lowerBound ? $0.lowerBound : first * step } ?? first * step
        high = range.map { max($0.upperBound, most) == $0.upperBound ? $0.upperBound : last * step } ?? last * step
        let (from, to) = (low, high)
        ticks = (0...Int(min(max(last - first, 0), 50))).map { (first + Double($0)) * step }
            .filter { $0 >= from - step * 1e-9 && $0 <= to + step * 1e-9 }
        let scaled = step / pow(10, log10(step).rounded(.down))
        digits = max(0, Int(-log10(step).rounded(.down)) + (abs(scaled - 2.5) < 1e-6 ? 1 : 0))
    }

    /// Where a value lies between two places of a drawing; beyond the ends it stays at them.
    func place(_ value: Double, _ from: Double, _ to: Double) -> Double {
        from + (min(max(value, low), high) - low) / (high - low) * (to - from)
    }

    /// A tick as it is written beside the axis.
    func label(_ tick: Double) -> String {
        let value = abs(tick) < 1e-12 ? 0 : tick
        switch max(abs(low), abs(high)) {
        case 1e9...: return String(format: "%.4gG", value / 1e9)
        case 1e6...: return String(format: "%.4gM", value / 1e6)
        case 1e4...: return String(format: "%.4gk", value / 1e3)
        default: return String(format: "%.\(min(digits, 9))f", value)
        }
    }
}
