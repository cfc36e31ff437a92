public import DynamaxTensor

/// The vectors of tokens, looked up in a table that stays where it is: a mapped checkpoint, say.
public struct Embedding: Sendable {
    private let table: any RowSource
    private let device: Device

    /// - Parameter table: [vocabulary, width]
    public init(table: any RowSource, on device: Device) {
        self.table = table
        self.device = device
    }

    /// The number of tokens.
    public var count: Int { table.rows }

    /// The vectors of `tokens`, each in 0 ..< `count`: [tokens, width].
    public func callAsFunction(_ tokens: some Collection<Token>) -> Tensor {
        let y = Tensor(uninitialized: Shape(rows: tokens.count, columns: table.columns), on: device)
        for (row, token) in tokens.enumerated() {
            let index = Int(token)
            precondition((0..<count).contains(index), "token \(token) is outside the vocabulary of \(count)")
            table.copyRows(index..<index + 1, to: y.mutablePointer + row * table.columns)
        }
        return y
    }
}
