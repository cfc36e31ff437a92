public import DynamaxModels
import DynamaxTensor
public import DynamaxText

/// The loss on held-out documents, at several depths.
///
/// Documents are cut into pieces of the training context, each a sequence of its own, so a token has at most so many others
/// before it. The loss per byte divides by the bytes of text that the predicted tokens stand for: it can be compared between
/// vocabularies.
public struct EvaluationResult: Sendable {
    /// The held-out text.
    public let name: String
    /// Tokens predicted.
    public let tokens: Int
    /// Nats at each depth.
    public let depths: [(depth: Int, perToken: Double, perByte: Double)]
}

/// Measures on one held-out corpus.
public struct Evaluator {
    /// What results are called.
    public let name: String
    private let corpus: TokenCorpus
    private let plan: EpochPlan
    private let rows: Int
    /// Bytes that each token stands for.
    private let bytes: [Int]

    /// Takes the tokens of a text.
    ///
    /// - Parameters:
    ///   - tokenizer: that made them.
    ///   - context: tokens of the longest piece.
    ///   - rows: that run together.
    ///   - limit: tokens to predict at most, spread evenly over the text.
    public init(
        _ name: String, _ corpus: TokenCorpus, _ tokenizer: Tokenizer, context: Int, rows: Int, limit: Int = .max
    ) {
        self.name = name
        self.corpus = corpus
        self.rows = rows
        plan = EpochPlan(evaluating: corpus, context: context, limit: limit)
        bytes = (0..<tokenizer.vocabularySize).map { token in
            tokenizer.isSpecial(Token(token)) ? 0 : (try? tokenizer.bytes(Token(token)))?.count ?? 0
        }
    }

    /// The loss at some depths, rising, the last of them the number of layers.
    public func measure(_ model: LanguageModel, depths: [Int]) -> EvaluationResult {
        var sums = [Double](repeating: 0, count: depths.count)
        var (tokenCount, byteCount) = (0, 0)
        for start in stride(from: 0, to: plan.rows, by: rows) {
            var batch = TokenBatch()
            for piece in plan.pieces(in: start..<min(start + rows, plan.rows)) { batch.append(piece, of: corpus) }
            let result = DepthLosses(model: model, batch: batch)(depths.map { ($0, 1) })
            for (index, mean) in result.means.enumerated() { sums[index] += mean.loss * Double(batch.inputs.count) }
            tokenCount += batch.targets.count
            byteCount += batch.targets.reduce(0) { $0 + bytes[Int($1)] }
        }
        return EvaluationResult(
            name: name, tokens: tokenCount,
            depths: zip(depths, sums).map { depth, sum in
                (depth, sum / Double(max(1, tokenCount)), sum / Double(max(1, byteCount)))
            })
    }
}
