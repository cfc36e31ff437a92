import DynamaxDepth
import DynamaxModels

/// What runs together: as much as is quick, and as memory allows.
struct BatchPlan {
    /// Rows of a batch, about: more get no quicker.
    private static let rows = 512
    /// Rows of neighbours whose answers are kept together, about: those of long texts would be lost with a run that is killed.
    private static let rowsOfGroup = 64 * rows
    /// Bytes of states that are held at once, about.
    private static let bytes = 1 << 30
    /// Positions that a fork may copy, a block of the KV cache.
    private static let copied = 64

    private let empty: SequenceState

    init(_ stack: any LayerStack) { empty = stack.makeState(history: 0) }

    /// Neighbours whose states are held together.
    ///
    /// - Parameter count: how many are held at most.
    func groups(_ asked: [Evaluation.Asked], most count: Int) -> [Range<Int>] {
        BatchPlan.parts(
            asked.map { [1, $0.rows, empty.bytes(after: $0.positions)] },
            within: [count, BatchPlan.rowsOfGroup, BatchPlan.bytes])
    }

    /// Neighbours with rows that run together, each continuing a fork.
    func batches(_ rows: [Int]) -> [[Int]] {
        let some = rows.indices.filter { rows[$0] > 0 }
        let sizes = some.map { [rows[$0], empty.bytes(after: rows[$0] + BatchPlan.copied)] }
        return BatchPlan.parts(sizes, within: [BatchPlan.rows, BatchPlan.bytes]).map { Array(some[$0]) }
    }

    /// Neighbours whose sizes add up to no more than the limits; one that is too large by itself stays alone.
    private static func parts(_ sizes: [[Int]], within limits: [Int]) -> [Range<Int>] {
        var (parts, start, sums) = ([Range<Int>](), 0, limits.map { _ in 0 })
        for (index, size) in sizes.enumerated() {
            let larger = zip(sums, size).map { $0 + $1 }
            if index > start, zip(larger, limits).contains(where: { $0 > $1 }) {
                parts.append(start..<index)
                (start, sums) = (index, size)
            } else {
                sums = larger
            }
        }
        return start < sizes.count ? parts + [start..<sizes.count] : parts
    }
}
