public import DynamaxTensor

/// The vectors of tokens.
public struct Embedding: Sendable {
    /// Where the vectors lie, [vocabulary, width].
    public enum Table: Sendable {
        /// For inference: where they are anyway, in a mapped checkpoint, say.
        case source(any RowSource, Device)
        /// For learning: as f32.
        case dense(Tensor)
    }

    private let table: Table

    /// Takes a table, [vocabulary, width].
    public init(_ table: Table) {
        self.table = table
    }

    /// The number of tokens.
    public var count: Int {
        switch table {
        case .source(let rows, _): rows.rows
        case .dense(let rows): rows.rows
        }
    }

    /// The vectors of `tokens`, each in 0 ..< `count`: [tokens, width].
    public func callAsFunction(_ tokens: Span<Token>) -> Tensor {
        for index in tokens.indices {
            let token = tokens[index]
            precondition((0..<count).contains(Int(token)), "token \(token) is outside the vocabulary of \(count)")
        }
        switch table {
        case .dense(let rows):
            return rows.gatheringRows(tokens.indices.map { tokens[$0] })
        case .source(let rows, let device):
            let y = Tensor(uninitialized: Shape(rows: tokens.count, columns: rows.columns), on: device)
            for row in tokens.indices {
                let token = Int(tokens[row])
                rows.copyRows(token..<token + 1, to: y.mutablePointer + row * rows.columns)
            }
            return y
        }
    }
}
