/// A matrix whose rows are read as f32 on demand, such as a tensor of a mapped checkpoint.
public protocol RowSource: Sendable {
    var rows: Int { get }
    var columns: Int { get }

    /// Writes rows `range`, [range.count, columns], to `numbers`.
    func copyRows(_ range: Range<Int>, to numbers: UnsafeMutablePointer<Float>)
}

/// The rows of another matrix, each rounded when it is read, to what packing them as int8 would make of it.
public struct RoundedRows: RowSource {
    private let base: any RowSource
    private let group: Int

    /// Rounds the rows of a matrix.
    ///
    /// - Parameter group: numbers of a row that share a scale, as in `WeightFormat.int8`.
    public init(_ base: any RowSource, group: Int) {
        (self.base, self.group) = (base, group)
    }

    public var rows: Int { base.rows }
    public var columns: Int { base.columns }

    public func copyRows(_ range: Range<Int>, to numbers: UnsafeMutablePointer<Float>) {
        base.copyRows(range, to: numbers)
        for row in 0..<range.count {
            for start in stride(from: 0, to: columns, by: group) {
                round(
                    UnsafeMutableBufferPointer(
                        start: numbers + row * columns + start, count: min(group, columns - start)))
            }
        }
    }

    /// Rounds the numbers that share a scale as `dx_pack` does.
    private func round(_ numbers: UnsafeMutableBufferPointer<Float>) {
        let isFinite = numbers.allSatisfy(\.isFinite)
        let scale = isFinite ? numbers.reduce(0) { max($0, abs($1)) } / 127 : .nan
        for (index, number) in numbers.enumerated() {
            let value = scale > 0 ? min(max((number / scale).rounded(.toNearestOrEven), -127), 127) : 0
            numbers[index] = value * scale
        }
    }
}
