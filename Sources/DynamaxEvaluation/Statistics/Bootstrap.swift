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

/// How far figures depend on which items happened to be asked: the percentile bootstrap over them (Efron 1979), or over groups
/// of items that are not independent of each other (the cluster bootstrap: Field and Welsh 2007).
///
/// All figures of one bootstrap are taken from the same resamples, so that they can be compared.
public struct Bootstrap: Sendable {
    /// Items that are resampled.
    public let count: Int
    /// The share of resamples that intervals hold.
    public let level: Double
    /// The items of each group.
    private let members: [[Int]]
    /// How often each resample has drawn each group.
    private let resamples: [[UInt16]]

    /// Draws resamples of `count` items, always the same ones for a seed.
    public init(count: Int, resamples: Int = 1000, level: Double = 0.95, seed: UInt64 = 0) {
        self.init(members: (0..<count).map { [$0] }, resamples: resamples, level: level, seed: seed)
    }

    /// Draws resamples of groups of items.
    ///
    /// - Parameter groups: the group of each item, such as the conversation of a turn.
    public init(groups: [some Hashable], resamples: Int = 1000, level: Double = 0.95, seed: UInt64 = 0) {
        var numbers: [AnyHashable: Int] = [:]
        var members: [[Int]] = []
        for (item, group) in groups.enumerated() {
            let number = numbers[group] ?? members.count
            if number == members.count {
                numbers[group] = number
                members.append([])
            }
            members[number].append(item)
        }
        self.init(members: members, resamples: resamples, level: level, seed: seed)
    }

    private init(members: [[Int]], resamples: Int, level: Double, seed: UInt64) {
        (self.members, self.level) = (members, level)
        count = members.reduce(0) { $0 + $1.count }
        var random = Philox(seed: seed)
        let groups = members.count
        self.resamples =
            groups > 1
            ? (0..<resamples).map { _ in
                var drawn = [UInt16](repeating: 0, count: groups)
                for _ in 0..<groups { drawn[Int.random(in: 0..<groups, using: &random)] += 1 }
                return drawn
            } : []
    }

    /// Whether items are resampled one by one.
    public var isOfItems: Bool { members.count == count }

    // MARK: Any figure

    /// A figure of some of the items, by their numbers, which may come more than once.
    public func estimate(_ figure: (_ items: [Int]) -> Double) -> Estimate {
        let values = resamples.map { drawn in
            figure(zip(drawn, members).flatMap { times, items in (0..<times).flatMap { _ in items } })
        }
        return Estimate(figure(Array(0..<count)), interval: interval(of: values))
    }

    /// The mean of a number that each item has.
    public func mean(_ values: [Double]) -> Estimate {
        ratio(values, Array(repeating: 1, count: count))
    }

    /// The sum of one number over that of another.
    public func ratio(_ numerators: [Double], _ denominators: [Double]) -> Estimate {
        estimate(sums: [numerators, denominators]) { $0[0] / $0[1] }
    }

    // MARK: Figures of sums

    /// A figure of the sums of some numbers that each item has: quick for thousands of items.
    public func estimate(sums columns: [[Double]], _ figure: (_ sums: [Double]) -> Double) -> Estimate {
        let (value, draws) = draw(columns, figure)
        return Estimate(value, interval: interval(of: draws))
    }

    /// The standard deviation of such a figure over the resamples; nil where there are too few.
    public func standardError(sums columns: [[Double]], _ figure: (_ sums: [Double]) -> Double) -> Double? {
        let values = draw(columns, figure).draws.filter(\.isFinite)
        guard values.count > 1 else { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }

    private func draw(_ columns: [[Double]], _ figure: ([Double]) -> Double) -> (value: Double, draws: [Double]) {
        precondition(columns.allSatisfy { $0.count == count })
        let width = columns.count
        // The sums of each group, side by side.
        var groups = [Double](repeating: 0, count: members.count * width)
        for (group, items) in members.enumerated() {
            for (column, values) in columns.enumerated() {
                groups[group * width + column] = items.reduce(0) { $0 + values[$1] }
            }
        }
        let draws = resamples.map { drawn in
            var sums = [Double](repeating: 0, count: width)
            for (group, times) in drawn.enumerated() where times > 0 {
                for column in 0..<width { sums[column] += Double(times) * groups[group * width + column] }
            }
            return figure(sums)
        }
        return (figure(columns.map { $0.reduce(0, +) }), draws)
    }

    private func interval(of values: [Double]) -> ClosedRange<Double>? {
        let sorted = values.filter(\.isFinite).sorted()
        guard !sorted.isEmpty else { return nil }
        let tail = (1 - level) / 2
        let low = Bootstrap.quantile(tail, of: sorted)
        return low...max(low, Bootstrap.quantile(1 - tail, of: sorted))
    }

    /// A quantile of sorted numbers, at least one, linear between them.
    package static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        let place = share * Double(sorted.count - 1)
        let index = min(Int(place), sorted.count - 1)
        let next = min(index + 1, sorted.count - 1)
        return sorted[index] + (sorted[next] - sorted[index]) * (place - Double(index))
    }
}
