/// A matrix whose rows are read as f32 on demand, such as a tensor of a mapped checkpoint.
public protocol RowSource: Sendable {
    var rows: Int { get }
    var columns: Int { get }

    /// Writes rows `range`, [range.count, columns], to `numbers`.
    func copyRows(_ range: Range<Int>, to numbers: UnsafeMutablePointer<Float>)
}
