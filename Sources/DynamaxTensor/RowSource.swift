import CDynamax

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
    private let device: Device

    /// Rounds the rows of a matrix.
    ///
    /// - Parameter group: numbers of a row that share a scale, as in `WeightFormat.int8`.
    public init(_ base: any RowSource, group: Int, on device: Device) {
        (self.base, self.group, self.device) = (base, group, device)
    }

    public var rows: Int { base.rows }
    public var columns: Int { base.columns }

    public func copyRows(_ range: Range<Int>, to numbers: UnsafeMutablePointer<Float>) {
        base.copyRows(range, to: numbers)
        // Weights and activations are rounded by the same rule.
        let rounded = QuantizedRows(
            numbers, rows: range.count, columns: columns, stride: columns, group: group, on: device)
        let padded = (columns + group - 1) / group * group
        for row in 0..<range.count {
            for column in 0..<columns {
                let index = row * padded + column
                numbers[row * columns + column] = Float(rounded.values[index]) * rounded.scales[index / group]
            }
        }
        withExtendedLifetime(rounded) {}
    }
}
