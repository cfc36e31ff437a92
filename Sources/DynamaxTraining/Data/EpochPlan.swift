import DynamaxModels

/// Consecutive positions of one document, which a batch runs as a sequence of its own.
struct DocumentPiece: Hashable, Sendable {
    var corpus: Int32
    var document: Int32
    /// The first position; the token at position p + 1 is what position p is to predict.
    var start: Int32
    /// Positions.
    var rows: Int32
}

/// The order in which one pass over the data takes the pieces of its documents.
///
/// A document of n tokens has n - 1 positions that predict one. They are cut into pieces of `context` at most; where a document
/// has more, the first piece has a random length, so that the next pass cuts elsewhere. Pieces come in random order. All of it
/// follows from the seed and the number of the pass.
struct EpochPlan: Sendable {
    let pieces: [DocumentPiece]
    /// Positions before each piece, and in all.
    let starts: [Int]

    /// Positions in all.
    var rows: Int { starts[starts.count - 1] }

    private init(_ pieces: [DocumentPiece]) {
        self.pieces = pieces
        starts = pieces.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int($1.rows)) }
    }

    /// A pass for training.
    ///
    /// - Parameter sources: corpora, and how many times each is gone through; of a fraction, as many pieces are taken at
    ///   random.
    init(_ sources: [WeightedCorpus], context: Int, seed: UInt64, epoch: Int) {
        var random = Philox(seed: seed &+ UInt64(truncatingIfNeeded: epoch) &* 0x9E37_79B9_7F4A_7C15)
        var pieces: [DocumentPiece] = []
        for (number, source) in sources.enumerated() {
            var remaining = source.weight
            while remaining > 0 {
                for document in 0..<source.corpus.documentCount {
                    let rows = source.corpus.length(ofDocument: document) - 1
                    let first = rows > context ? 1 + random.below(context) : context
                    EpochPlan.cut(rows, first: first, context: context) { range in
                        if remaining < 1, Double(random.uniform()) >= remaining { return }
                        pieces.append(DocumentPiece(number, document, range))
                    }
                }
                remaining -= 1
            }
        }
        random.shuffle(&pieces)
        self.init(pieces)
    }

    /// A pass for evaluation: pieces in order, evenly thinned out to `limit` positions or a little more.
    init(evaluating corpus: TokenCorpus, context: Int, limit: Int) {
        var pieces: [DocumentPiece] = []
        for document in 0..<corpus.documentCount {
            let rows = corpus.length(ofDocument: document) - 1
            EpochPlan.cut(rows, first: context, context: context) { pieces.append(DocumentPiece(0, document, $0)) }
        }
        let total = pieces.reduce(0) { $0 + Int($1.rows) }
        if total > limit {
            // A piece is taken whenever the share of positions passed, times the limit, reaches the positions taken.
            var (passed, taken) = (0, 0)
            pieces = pieces.filter { piece in
                defer { passed += Int(piece.rows) }
                guard passed * limit >= taken * total else { return false }
                taken += Int(piece.rows)
                return true
            }
        }
        self.init(pieces)
    }

    private static func cut(_ rows: Int, first: Int, context: Int, _ body: (Range<Int>) -> Void) {
        var start = 0
        while start < rows {
            let end = min(rows, start == 0 ? first : start + context)
            body(start..<end)
            start = end
        }
    }

    /// The pieces, cut where necessary, that hold some of the positions.
    func pieces(in range: Range<Int>) -> [DocumentPiece] {
        var (low, high) = (0, pieces.count)
        while low < high {
            let middle = (low + high) / 2
            if starts[middle + 1] <= range.lowerBound { low = middle + 1 } else { high = middle }
        }
        var found: [DocumentPiece] = []
        while low < pieces.count, starts[low] < range.upperBound {
            var piece = pieces[low]
            let skipped = max(0, range.lowerBound - starts[low])
            let end = min(Int(piece.rows), range.upperBound - starts[low])
            piece.start += Int32(skipped)
            piece.rows = Int32(end - skipped)
            found.append(piece)
            low += 1
        }
        return found
    }
}

extension DocumentPiece {
    fileprivate init(_ corpus: Int, _ document: Int, _ range: Range<Int>) {
        self.init(
            corpus: Int32(corpus), document: Int32(document), start: Int32(range.lowerBound), rows: Int32(range.count))
    }
}

extension Philox {
    /// A number in 0 ..< count, which must be small against 2^32.
    mutating func below(_ count: Int) -> Int { Int((UInt64(next32()) * UInt64(count)) >> 32) }

    /// Puts elements in random order (Fisher and Yates).
    mutating func shuffle<Element>(_ elements: inout [Element]) {
        for last in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(last, below(last + 1)) }
    }
}
