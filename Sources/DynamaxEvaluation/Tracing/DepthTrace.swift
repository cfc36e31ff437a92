public import DynamaxDepth
public import DynamaxModels
public import DynamaxTensor

/// What each layer's shared head says at positions of a text, beside what the full model says there: one pass of the full model
/// over the text, each token given the ones before (teacher-forced).
public struct DepthTrace: Sendable {
    /// What the head says after one layer.
    public struct View: Hashable, Sendable {
        /// The token that it would write; nil where its logits are not numbers.
        public var token: Token?
        /// The probability that it gives to the full model's token.
        public var probability: Float
        /// Its largest probability, how much it leads the second, and the entropy of all, in nats.
        public var maximum: Float
        public var margin: Float
        public var entropy: Float
        /// The cosine between the rows that entered and left the layer.
        public var cosine: Float
        /// How sure a learned head is, or the hazard at a gate, where there is one.
        public var head: Float?

        /// Takes what the head says.
        public init(
            token: Token?, probability: Float = 0, maximum: Float = 0, margin: Float = 0, entropy: Float = 0,
            cosine: Float = 0, head: Float? = nil
        ) {
            (self.token, self.probability, self.maximum, self.margin) = (token, probability, maximum, margin)
            (self.entropy, self.cosine, self.head) = (entropy, cosine, head)
        }
    }

    public let layerCount: Int
    /// For each position, the views after layers 1, 2, … of the model.
    public let positions: [[View]]

    /// Takes views, as many a position as the model has layers.
    public init(layerCount: Int, positions: [[View]]) {
        precondition(positions.allSatisfy { $0.count == layerCount })
        (self.layerCount, self.positions) = (layerCount, positions)
    }

    /// The token that the full model would write at a position.
    public func full(_ position: Int) -> Token? { positions[position][layerCount - 1].token }

    /// Whether the token after a layer is the full model's.
    public func agrees(_ position: Int, layer: Int) -> Bool {
        guard let token = full(position) else { return false }
        return positions[position][layer - 1].token == token
    }

    /// The share of positions at which a layer agrees with the full model; nil without positions.
    public func agreement(layer: Int) -> Double? {
        guard !positions.isEmpty else { return nil }
        return Double(positions.indices.count { agrees($0, layer: layer) }) / Double(positions.count)
    }

    /// The first of some layers that agrees, or the last layer of the model.
    public func firstAgreeing(_ position: Int, among layers: [Int]) -> Int {
        layers.first { agrees(position, layer: $0) } ?? layerCount
    }
}

extension DepthTrace {
    /// Runs a text through the model.
    ///
    /// - Parameters:
    ///   - prompt: at least one token; no position of it is looked at but the last.
    ///   - written: the tokens that follow; the trace has a position for each, what is said before it.
    ///   - sampling: how tokens are drawn from the logits, with the noise that belongs to their positions.
    ///   - heads: whose scores are wanted as well.
    public init(
        _ model: LanguageModel, prompt: [Token], written: [Token], sampling: Sampling = .greedy,
        heads: ExitHeads? = nil
    ) {
        var pass = TracingPass(model.stack, heads: heads, sampling: sampling)
        let consumed = prompt + written.dropLast()
        guard !written.isEmpty, !prompt.isEmpty else {
            self.init(layerCount: model.stack.layerCount, positions: [])
            return
        }
        let first = prompt.count - 1
        // Logits of all layers are large where the vocabulary is, so few rows go at a time.
        for start in stride(from: 0, to: first, by: 512) {
            pass.read(Array(consumed[start..<min(start + 512, first)]))
        }
        var positions: [[View]] = []
        for start in stride(from: first, to: consumed.count, by: 64) {
            positions += pass.views(Array(consumed[start..<min(start + 64, consumed.count)]))
        }
        self.init(layerCount: model.stack.layerCount, positions: positions)
    }
}

/// A pass over a text, some rows at a time.
private struct TracingPass {
    private let stack: any LayerStack
    private let heads: ExitHeads?
    private let state: SequenceState
    private let headStates: [Int: SequenceState]
    /// Has accepted what was read.
    private var sampler: Sampler
    private let isPlain: Bool
    private var length = 0

    init(_ stack: any LayerStack, heads: ExitHeads?, sampling: Sampling) {
        self.stack = stack
        self.heads = heads
        state = stack.makeState(history: 0)
        headStates = heads?.heads.compactMapValues { $0.makeState(history: 0) } ?? [:]
        sampler = Sampler(sampling)
        isPlain = sampling.temperature == 0 && sampling.repetitionPenalty == 1
    }

    /// Runs rows that nobody asks about.
    mutating func read(_ tokens: [Token]) {
        run(tokens) { _, _, _, _ in }
        accept(tokens)
    }

    /// Runs rows; what all layers say after each of them.
    mutating func views(_ tokens: [Token]) -> [[DepthTrace.View]] {
        defer { accept(tokens) }
        var all: [(logits: Tensor, summaries: [LogitSummary])] = []
        var views = Array(repeating: [DepthTrace.View](), count: tokens.count)
        var hazards = Array(repeating: ExitHazards(), count: tokens.count)
        run(tokens) { rows, entered, layer, confidence in
            let head = layer < stack.layerCount ? heads?.heads[layer] : nil
            let said = stack.head(head?.translate(rows) ?? rows)
            var confidence = confidence
            if let head, head.readsLogits { confidence = head.confidence(rows, ExitHeadContext(logits: said)) }
            if heads?.manifest.kind.usesHazards == true {
                confidence = confidence.map { zip(hazards.indices, $0).map { hazards[$0].next($1).hazard } }
            }
            let (summaries, cosines) = (said.summarizedLogits(), rows.cosines(with: entered))
            var sampler = sampler
            for row in tokens.indices {
                let summary = summaries[row]
                sampler.accept(tokens[row])
                let maximum = exponential(summary.maximum - summary.logSumExp)
                views[row].append(
                    DepthTrace.View(
                        token: isPlain ? summary.argmax : sampler.token(said.rows(row..<row + 1), at: length + row + 1),
                        maximum: maximum, margin: maximum - exponential(summary.second - summary.logSumExp),
                        entropy: summary.entropy, cosine: cosines[row], head: confidence?[row]))
            }
            all.append((said, summaries))
        }
        for row in tokens.indices {
            guard let full = views[row].last?.token else { continue }
            for (layer, said) in all.enumerated() {
                let total = said.summaries[row].logSumExp
                views[row][layer].probability = said.logits.withRow(row) { exponential($0[Int(full)] - total) }
            }
        }
        return views
    }

    /// Runs rows layer by layer, and shows what entered and left each layer, and what its head makes of it, unless the head
    /// reads what the exit says.
    private func run(
        _ tokens: [Token], _ visit: (_ rows: Tensor, _ entered: Tensor, _ layer: Int, _ confidence: [Float]?) -> Void
    ) {
        var rows = stack.embed(tokens)
        for layer in 1...stack.layerCount {
            let entered = rows
            rows = stack.run(layer - 1..<layer, rows, Batch(state, rows: tokens.count))
            let confidence = heads?.heads[layer].flatMap { head in
                head.readsLogits
                    ? nil
                    : head.confidence(
                        rows, ExitHeadContext(batch: headStates[layer].map { Batch($0, rows: tokens.count) }))
            }
            visit(rows, entered, layer, confidence)
        }
    }

    private mutating func accept(_ tokens: [Token]) {
        sampler.accept(tokens)
        length += tokens.count
    }
}

extension ExitHead {
    /// How sure the head is of each row, 0 to 1.
    fileprivate func confidence(_ rows: Tensor, _ context: ExitHeadContext) -> [Float] {
        self(rows, context).array.map { 1 / (1 + exponential(-$0)) }
    }
}
