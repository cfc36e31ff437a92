/// Where rows may leave and when.
public struct ExitPolicy: Sendable {
    /// How an exit judges a row.
    public let score: ExitScore
    /// Numbers of layers after which a row may leave, ascending, each below the number of layers of the model.
    public let layers: [Int]
    /// Those of these layers, where learned heads judge.
    public let heads: ExitHeads?
    /// How exits change along a text.
    public let pacing: Pacing

    /// - Parameters:
    ///   - score: judges each row.
    ///   - heads: judge instead, where the score is theirs.
    ///   - layers: nil for those that have heads, or each layer of the latter half, as DYNAMAX places exits; ignored for a fixed
    ///     depth.
    ///   - pacing: how exits change along a text.
    ///   - count: layers of the model.
    public init(
        _ score: ExitScore, heads: ExitHeads? = nil, after layers: [Int]? = nil, pacing: Pacing = Pacing(),
        of count: Int
    ) throws(ExitError) {
        self.score = score
        self.pacing = pacing
        if let problem = pacing.problem(with: score, layers: count) { throw .pacing(problem) }
        let wanted: [Int]
        if case .depth(let depth) = score {
            wanted = [depth]
        } else {
            wanted = layers ?? heads?.manifest.layers ?? Array(max(1, count / 2)..<max(count, 1))
        }
        for layer in wanted where !(1...count).contains(layer) { throw .layer(layer, layers: count) }
        // Leaving after the last layer is not leaving.
        self.layers = Set(wanted).filter { $0 < count }.sorted()
        guard case .heads = score else {
            self.heads = nil
            return
        }
        guard let heads else { throw .noHeads }
        if let missing = self.layers.first(where: { heads.heads[$0] == nil }) {
            throw .noHead(missing, known: heads.manifest.layers)
        }
        self.heads = heads.only(self.layers)
    }
}
