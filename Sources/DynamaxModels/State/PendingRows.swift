import DynamaxTensor

/// Hidden rows that left early, waiting in order before the layer where they stopped.
public struct PendingRows {
    /// Numbers of one row.
    public let width: Int
    private var numbers: [Float] = []

    init(width: Int) {
        self.width = width
    }

    /// The number of rows that wait.
    public var count: Int { numbers.count / width }

    /// Lets the rows of `hidden`, [rows, width], wait.
    mutating func append(_ hidden: Tensor) {
        precondition(hidden.columns == width)
        for row in 0..<hidden.rows {
            hidden.withRow(row) { numbers.append(contentsOf: $0) }
        }
    }

    /// Takes all rows out: [rows, width].
    mutating func takeAll(on device: Device) -> Tensor {
        let taken = Tensor(numbers, Shape(rows: count, columns: width), on: device)
        numbers.removeAll(keepingCapacity: true)
        return taken
    }

    /// Keeps the oldest `count` rows.
    mutating func keepFirst(_ count: Int) {
        numbers.removeLast(numbers.count - min(count, self.count) * width)
    }

    /// All rows in row-major order.
    var contents: [Float] { numbers }

    init(width: Int, contents: [Float]) {
        self.width = width
        numbers = contents
    }
}
