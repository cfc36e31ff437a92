public import DynamaxTensor

/// A corpus, and how many times a pass over the data goes through it.
public struct WeightedCorpus: Sendable {
    /// The corpus.
    public let corpus: TokenCorpus
    /// Above 0; 0.5 takes half of its pieces in each pass.
    public let weight: Double

    /// Takes a corpus and its weight.
    public init(_ corpus: TokenCorpus, weight: Double = 1) {
        self.corpus = corpus
        self.weight = weight
    }
}

/// Rows to learn from: pieces of documents, one after the other, each a sequence that begins anew.
public struct TokenBatch: Hashable, Sendable {
    /// The token of each row.
    public var inputs: [Token] = []
    /// The token that each row is to predict.
    public var targets: [Token] = []
    /// The rows of each piece; the sum is the number of rows.
    public var pieces: [Int] = []

    /// Makes a batch without rows.
    public init() {}

    mutating func append(_ piece: DocumentPiece, of corpus: TokenCorpus) {
        let start = Int(piece.start)
        let rows = Int(piece.rows)
        let tokens = corpus.tokens(start..<start + rows + 1, ofDocument: Int(piece.document))
        inputs += tokens.dropLast()
        targets += tokens.dropFirst()
        pieces.append(rows)
    }
}

/// Deals the data out in batches of equally many rows, in an order that follows from the seed.
///
/// Its whole state is a position; set it, and the loader goes on from there, batch for batch as it would have. Rows at the end
/// of a pass that fill no batch are left out of this pass.
public struct BatchLoader: Sendable {
    /// How far the loader is.
    public struct Position: Hashable, Sendable {
        /// The number of the pass, from 0.
        public var epoch: Int
        /// The next batch of the pass.
        public var index: Int

        /// Takes a pass and a batch in it.
        public init(epoch: Int = 0, index: Int = 0) {
            self.epoch = epoch
            self.index = index
        }
    }

    /// Rows of each batch.
    public let rows: Int
    /// Rows of the longest piece.
    public let context: Int
    /// The next batch.
    public private(set) var position: Position

    private let sources: [WeightedCorpus]
    private let seed: UInt64
    private var plan: EpochPlan

    /// - Parameters:
    ///   - sources: at least one, with a token to predict.
    ///   - rows: of each batch; a pass of fewer rows gives one smaller batch.
    ///   - context: rows of the longest piece.
    public init(
        _ sources: [WeightedCorpus], rows: Int, context: Int, seed: UInt64, at position: Position = Position()
    ) {
        precondition(rows > 0 && context > 0)
        self.sources = sources
        self.rows = rows
        self.context = context
        self.seed = seed
        self.position = position
        plan = EpochPlan(sources, context: context, seed: seed, epoch: position.epoch)
    }

    /// Batches of the current pass.
    public var batchesInEpoch: Int { max(1, plan.rows / rows) }

    /// Rows of the current pass.
    public var rowsInEpoch: Int { plan.rows }

    /// The next batch.
    public mutating func next() -> TokenBatch {
        while position.index >= batchesInEpoch {
            position = Position(epoch: position.epoch + 1)
            plan = EpochPlan(sources, context: context, seed: seed, epoch: position.epoch)
        }
        var batch = TokenBatch()
        let start = position.index * rows
        for piece in plan.pieces(in: start..<min(start + rows, plan.rows)) {
            batch.append(piece, of: sources[Int(piece.corpus)].corpus)
        }
        position.index += 1
        return batch
    }
}
