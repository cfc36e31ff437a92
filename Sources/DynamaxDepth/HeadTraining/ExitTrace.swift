public import DynamaxFormats
public import DynamaxModels
public import DynamaxTensor

/// What exits would have seen and said on some texts, beside what the full model said: all that training and judging
/// heads takes, without the model.
public struct ExitTrace: Sendable {
    /// One text.
    public struct Sequence: Sendable {
        /// Hidden rows after each exit's layer, [rows, width].
        public var hidden: [Int: [Float]]
        /// What each exit says, row by row.
        public var views: [Int: [View]]
        /// What the full model says, row by row.
        public var targets: [Target]
        public var rows: Int
    }

    /// What the full model says of a position.
    public struct Target: Hashable, Sendable {
        /// Its most probable token, or -1 where its logits are not numbers.
        public var token: Token
        /// The cross entropy of its distribution with that token, in nats.
        public var loss: Float
    }

    /// What an exit says of a position.
    public struct View: Hashable, Sendable {
        /// The place of the exit's most probable token among the full model's: 0 for its most probable one.
        public var rank: Int32
        /// KL(full || exit), in nats.
        public var divergence: Float
        /// Its largest probability, its lead, and the entropy of all, in nats.
        public var maximum: Float
        public var margin: Float
        public var entropy: Float
    }

    /// Layers that exits lie after, ascending.
    public let layers: [Int]
    /// Layers of the model.
    public let layerCount: Int
    /// Width of a row.
    public let width: Int
    public private(set) var sequences: [Sequence] = []

    /// Positions of all texts.
    public var rows: Int { sequences.reduce(0) { $0 + $1.rows } }

    /// An empty trace for the exits of a model.
    public init(layers: [Int], layerCount: Int, width: Int) {
        precondition(!layers.isEmpty && layers.allSatisfy { (1..<layerCount).contains($0) })
        (self.layers, self.layerCount, self.width) = (layers, layerCount, width)
    }

    /// Runs a text through the model and adds what its exits see.
    ///
    /// - Parameter tokens: at least one.
    public mutating func add(_ tokens: [Token], _ model: LanguageModel) {
        let stack = model.stack
        let batch = Batch(stack.makeState(history: 0), rows: tokens.count)
        var rows = stack.embed(tokens)
        var reached = 0
        var seen: [(layer: Int, hidden: Tensor)] = []
        for layer in layers {
            rows = stack.run(reached..<layer, rows, batch)
            reached = layer
            seen.append((layer, rows))
        }
        let full = stack.head(stack.run(reached..<layerCount, rows, batch))
        add(seen.map { ($0.layer, $0.hidden, stack.head($0.hidden)) }, full: full)
    }

    /// Adds what `dynamax trace` has written.
    ///
    /// - Throws: `FormatError` where the file is no trace of such a model.
    public mutating func add(contentsOf path: String, on device: Device) throws(FormatError) {
        let file = try SafetensorsFile(path)
        let shape = try file.require("hidden").shape
        guard shape.count == 3, shape[0] == layerCount + 1, shape[1] > 0, shape[2] == width else {
            throw FormatError(
                .mismatch, path,
                "the tensor hidden has shape \(shape), expected [\(layerCount + 1), positions, \(width)]")
        }
        let rows = shape[1]
        let hidden = try file.require("hidden").floats()
        let logits = try file.require("logits")
        guard logits.shape.count == 2, logits.shape[0] == rows else {
            throw FormatError(
                .mismatch, path, "the tensor logits has shape \(logits.shape), expected [\(rows), vocabulary]")
        }
        let vocabulary = logits.shape[1]
        let exits = try file.require("exit_logits", shape: [layerCount, rows, vocabulary]).floats()
        func part(_ numbers: [Float], _ index: Int, _ columns: Int) -> Tensor {
            let size = rows * columns
            return Tensor(
                Array(numbers[index * size..<(index + 1) * size]), Shape(rows: rows, columns: columns), on: device)
        }
        add(
            layers.map { ($0, part(hidden, $0, width), part(exits, $0 - 1, vocabulary)) },
            full: part(try logits.floats(), 0, vocabulary))
    }

    private mutating func add(_ exits: [(layer: Int, hidden: Tensor, logits: Tensor)], full: Tensor) {
        let probabilities = full.softmax(temperature: 1)
        let fullSummaries = full.summarizedLogits()
        let targets = fullSummaries.map { Target(token: $0.argmax ?? -1, loss: $0.logSumExp - $0.maximum) }
        var sequence = Sequence(hidden: [:], views: [:], targets: targets, rows: full.rows)
        for exit in exits {
            let summaries = exit.logits.summarizedLogits()
            var views: [View] = []
            for row in 0..<full.rows {
                let (summary, fullSummary) = (summaries[row], fullSummaries[row])
                let best = Int(summary.argmax ?? 0)
                var (rank, divergence) = (Int32(0), Float(0))
                full.withRow(row) { oracle in
                    probabilities.withRow(row) { weights in
                        exit.logits.withRow(row) { own in
                            for token in 0..<oracle.count {
                                if oracle[token] > oracle[best] { rank += 1 }
                                divergence += weights[token] * (oracle[token] - own[token])
                            }
                        }
                    }
                }
                divergence += summary.logSumExp - fullSummary.logSumExp
                let maximum = exponential(summary.maximum - summary.logSumExp)
                views.append(
                    View(
                        rank: rank, divergence: max(0, divergence), maximum: maximum,
                        margin: maximum - exponential(summary.second - summary.logSumExp), entropy: summary.entropy))
            }
            sequence.hidden[exit.layer] = exit.hidden.array
            sequence.views[exit.layer] = views
        }
        sequences.append(sequence)
    }

    /// The first sequences, with about this share of the rows, and the others.
    public func split(_ share: Double) -> (first: ExitTrace, rest: ExitTrace) {
        var (first, rest) = (self, self)
        var count = 0
        let place = sequences.firstIndex { sequence in
            defer { count += sequence.rows }
            return Double(count) >= share * Double(rows)
        }
        first.sequences = Array(sequences[..<(place ?? sequences.count)])
        rest.sequences = Array(sequences[(place ?? sequences.count)...])
        return (first, rest)
    }
}
