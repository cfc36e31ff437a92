import DynamaxModels

/// A figure, with the range that it is known to.
public struct Estimate: Hashable, Sendable {
    public var value: Double
    /// nil where there is too little to tell.
    public var interval: ClosedRange<Double>?

    /// Takes a figure and its range.
    public init(_ value: Double, interval: ClosedRange<Double>? = nil) {
        (self.value, self.interval) = (value, interval)
    }
}

/// How far figures depend on which prompts happened to be asked: the percentile bootstrap over them (Efron 1979).
///
/// All figures of one bootstrap are taken from the same resamples, so that they can be compared.
public struct Bootstrap: Sendable {
    /// Items that are resampled.
    public let count: Int
    /// The share of resamples that intervals hold.
    public let level: Double
    private let resamples: [[Int]]

    /// Draws resamples of `count` items, always the same ones for a seed.
    public init(count: Int, resamples: Int = 1000, level: Double = 0.95, seed: UInt64 = 0) {
        (self.count, self.level) = (count, level)
        var random = Philox(seed: seed)
        self.resamples =
            count > 1
            ? (0..<resamples).map { _ in (0..<count).map { _ in Int.random(in: 0..<count, using: &random) } } : []
    }

    /// A figure of some of the items, by their numbers, which may come more than once.
    public func estimate(_ figure: (_ items: [Int]) -> Double) -> Estimate {
        let values = resamples.map(figure).filter(\.isFinite).sorted()
        let value = figure(Array(0..<count))
        guard !values.isEmpty else { return Estimate(value) }
        let tail = (1 - level) / 2
        let low = Bootstrap.quantile(tail, of: values)
        return Estimate(value, interval: low...max(low, Bootstrap.quantile(1 - tail, of: values)))
    }

    /// The mean of a number that each item has.
    public func mean(_ values: [Double]) -> Estimate {
        precondition(values.count == count)
        return estimate { items in items.reduce(0) { $0 + values[$1] } / Double(max(items.count, 1)) }
    }

    /// The sum of one number over that of another.
    public func ratio(_ numerators: [Double], _ denominators: [Double]) -> Estimate {
        precondition(numerators.count == count && denominators.count == count)
        return estimate { items in
            items.reduce(0) { $0 + numerators[$1] } / items.reduce(0) { $0 + denominators[$1] }
        }
    }

    /// A quantile of sorted numbers, at least one, linear between them.
    package static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        let place = share * Double(sorted.count - 1)
        let index = min(Int(place), sorted.count - 1)
        let next = min(index + 1, sorted.count - 1)
        return sorted[index] + (sorted[next] - sorted[index]) * (place - Double(index))
    }
}
