import DynamaxLayers
public import DynamaxModels
import DynamaxTensor

/// Runs known tokens of several sequences through a model with exits, level by level, all rows of a level as one batch.
///
/// After each exit, rows that have not left are judged, and those that pass leave with what the exit says. Rows behind the
/// last one that goes deeper wait; those before it run on with it. As states stay the full model's (the rule `deferred`), each
/// decision is the one that `EarlyExitDecoder` takes token by token, to the bit. Without exits it is the full model.
public struct ForcedPass {
    public let stack: any LayerStack
    /// Where rows may leave and when; nil for nowhere.
    public let policy: ExitPolicy?
    /// Rows of a sequence that run together at most.
    private let chunk: Int

    /// Takes exits, unless their pacing looks back at what was decided before.
    ///
    /// - Parameter chunk: bounds memory, and changes no bit of what is said.
    public init(_ stack: any LayerStack, _ policy: ExitPolicy?, chunk: Int = 512) {
        precondition(chunk > 0 && policy?.pacing.ceiling == nil && policy?.pacing.meanDepth == nil)
        (self.stack, self.policy, self.chunk) = (stack, policy, chunk)
    }

    /// The state of an empty sequence, with those of heads that remember.
    public func makeState() -> SequenceState {
        let state = stack.makeState(history: 0)
        policy?.heads?.attach(to: state, history: 0)
        return state
    }

    /// Runs rows.
    ///
    /// - Parameter sequences: each with a state of its own, made by `makeState` or forked from one that was.
    /// - Returns: what was said, for each of them.
    /// - Throws: `GenerationError.notANumber` where logits are not.
    public func run(_ sequences: [ForcedRows]) throws(GenerationError) -> [ForcedRows.Answers] {
        var answers = sequences.map { _ in ForcedRows.Answers(rows: []) }
        var start = 0
        while true {
            let parts = sequences.indices.filter { sequences[$0].tokens.count > start }
            guard !parts.isEmpty else { return answers }
            var level = ForcedLevel(self, sequences, parts, from: start, upTo: chunk)
            try level.run()
            for (part, said) in zip(parts, level.answers) {
                answers[part].rows += said.rows
                answers[part].ledger += said.ledger
            }
            start += chunk
        }
    }
}

/// Rows that go through the layers together.
private struct ForcedLevel {
    /// One row and what is known of it.
    private struct Row {
        let questions: [Token]
        /// Its number among the rows that are asked about, from 0.
        let number: Int
        /// Whether its fate is still open.
        var isOpen: Bool
        /// How sure exits must be, in this place of the text.
        let score: ExitScore?
        var hazards = ExitHazards()
        var few = FewTokens()
        var answer: ForcedRows.Answer?
    }

    /// The rows of one sequence.
    private struct Part {
        let state: SequenceState
        var rows: [Row]
        let runsThrough: Bool
        /// Rows of this pass that are still on their way, all before those that wait.
        var going: Int
        /// Rows of earlier passes that have joined them.
        var joined = 0
        var ledger = Ledger()

        var entering: Int { joined + going }
    }

    private let stack: any LayerStack
    private let policy: ExitPolicy?
    private var parts: [Part]
    /// The rows on their way, part by part, those that have joined first; of no meaning when none are.
    private var hidden: Tensor
    private var isOver: Bool { parts.allSatisfy { $0.entering == 0 } }

    init(_ pass: ForcedPass, _ sequences: [ForcedRows], _ chosen: [Int], from start: Int, upTo count: Int) {
        (stack, policy) = (pass.stack, pass.policy)
        let pacer = pass.policy.map { ($0.score, $0.pacing.decay) }
        var tokens: [Token] = []
        parts = chosen.map { index in
            let sequence = sequences[index]
            let end = min(start + count, sequence.tokens.count)
            tokens += sequence.tokens[start..<end]
            let firstAsked = sequence.tokens.count - sequence.questions.count
            let rows = (start..<end).map { row in
                let number = row - firstAsked
                var score = pacer?.0
                if number >= 0, let decay = pacer?.1, let threshold = score?.threshold {
                    score = score?.with(threshold: decay.threshold(threshold, at: number))
                }
                return Row(
                    questions: number >= 0 ? sequence.questions[number] : [], number: number, isOpen: number >= 0,
                    score: score)
            }
            return Part(
                state: sequence.state, rows: rows, runsThrough: sequence.runsThrough, going: rows.count)
        }
        hidden = stack.embed(tokens)
    }

    var answers: [ForcedRows.Answers] {
        parts.map { ForcedRows.Answers(rows: $0.rows.compactMap(\.answer), ledger: $0.ledger) }
    }

    mutating func run() throws(GenerationError) {
        var reached = 0
        for stop in stops {
            guard !isOver else { return }
            var entered: Tensor?
            if case .saturation? = policy?.score {
                advance(reached..<stop - 1)
                entered = hidden
                reached = stop - 1
            }
            advance(reached..<stop)
            reached = stop
            try judge(after: stop, entered: entered)
            part(before: stop)
        }
        guard !isOver else { return }
        advance(reached..<stack.layerCount)
        let open = openRows()
        try say(rows(open, of: hidden), open, layer: stack.layerCount) { _, _, _ in nil }
    }

    /// Layers after which something happens: exits, but where nobody may leave only those whose heads remember.
    private var stops: [Int] {
        guard let policy else { return [] }
        return parts.allSatisfy(\.runsThrough) ? policy.heads?.readingLayers ?? [] : policy.layers
    }

    private typealias Place = (part: Int, row: Int, place: Int)

    /// Some of the rows on their way; nil for none.
    private func rows(_ places: [Place], of rows: Tensor) -> Tensor? {
        places.isEmpty ? nil : rows.gatheringRows(places.map { Int32($0.place) })
    }

    /// Runs all rows that are on their way through layers.
    private mutating func advance(_ layers: Range<Int>) {
        guard !layers.isEmpty else { return }
        let going = parts.indices.filter { parts[$0].entering > 0 }
        for index in going {
            let part = parts[index]
            let own = part.runsThrough ? part.going : part.rows[..<part.going].count(where: \.isOpen)
            parts[index].ledger.add(
                layers, of: stack, rows: part.entering, catchUp: part.entering - own,
                position: part.state.progress(ofLayer: layers.lowerBound) + part.entering - 1)
        }
        hidden = stack.run(layers, hidden, Batch(going.map { Batch.Part(parts[$0].state, rows: parts[$0].entering) }))
    }

    /// Rows whose fate is open, with their places in `hidden`.
    private func openRows() -> [Place] {
        var (open, place) = ([Place](), 0)
        for (index, part) in parts.enumerated() where part.entering > 0 {
            for row in 0..<part.going where part.rows[row].isOpen {
                open.append((index, row, place + part.joined + row))
            }
            place += part.entering
        }
        return open
    }

    /// Lets rows wait behind the last one that goes deeper, and those join the others that have waited there before.
    private mutating func part(before layer: Int) {
        var (going, place) = ([Tensor](), 0)
        for index in parts.indices where parts[index].entering > 0 {
            let part = parts[index]
            let rows = hidden.rows(place..<place + part.entering)
            place += part.entering
            let deepest =
                part.runsThrough
                ? part.going : (part.rows[..<part.going].lastIndex(where: \.isOpen).map { $0 + 1 } ?? 0)
            guard deepest > 0 else {
                part.state.deferRows(rows, beforeLayer: layer)
                (parts[index].going, parts[index].joined) = (0, 0)
                continue
            }
            let waiting = part.state.pendingRows(beforeLayer: layer)
            if waiting > 0 { going.append(part.state.takePending(beforeLayer: layer, on: stack.device)) }
            going.append(rows.rows(0..<part.joined + deepest))
            if deepest < part.going {
                part.state.deferRows(rows.rows(part.joined + deepest..<part.entering), beforeLayer: layer)
            }
            parts[index].joined += waiting
            parts[index].going = deepest
        }
        if !going.isEmpty { hidden = Tensor.stackingRows(going) }
    }

    // MARK: Exits

    /// Shows rows to the exit after a layer; those that pass leave.
    private mutating func judge(after layer: Int, entered: Tensor?) throws(GenerationError) {
        let open = openRows()
        let rows = rows(open, of: hidden)
        if let heads = policy?.heads { return try judge(rows, open, by: heads, after: layer) }
        guard let rows else { return }
        if let entered {
            let before = entered.gatheringRows(open.map { Int32($0.place) })
            try leave(rows, open, rows.cosines(with: before), after: layer)
        } else if case .reduced? = policy?.score {
            try judgeCandidates(rows, open, after: layer)
        } else if policy?.score.needsLogits == true {
            try say(rows, open, layer: layer) { _, summary, row in
                let value = row.score?.value(summary) ?? 0
                return row.score?.passes(value) == true ? value : nil
            }
        } else {
            try leave(rows, open, open.map { _ in 1 }, after: layer)
        }
    }

    /// Lets the rows go whose scores pass, with what the shared head says of them.
    private mutating func leave(
        _ rows: Tensor, _ open: [Place], _ scores: [Float], after layer: Int
    ) throws(GenerationError) {
        let passing = open.indices.filter { index in
            parts[open[index].part].rows[open[index].row].score?.passes(scores[index]) == true
        }
        guard !passing.isEmpty else { return }
        try say(rows.gatheringRows(passing.map { Int32($0) }), passing.map { open[$0] }, layer: layer) { index, _, _ in
            scores[passing[index]]
        }
    }

    private mutating func judge(
        _ rows: Tensor?, _ open: [Place], by heads: ExitHeads, after layer: Int
    ) throws(GenerationError) {
        guard let head = heads.heads[layer] else { return }
        var scores: [Float]
        if head.hasMemory {
            // It reads all rows, each once and in order.
            let going = parts.indices.filter { parts[$0].entering > 0 }
            for index in going { parts[index].ledger.addExitHead(head.cost, rows: parts[index].entering) }
            let batch = Batch(
                going.compactMap { index in
                    parts[index].state.readers[layer].map { Batch.Part($0, rows: parts[index].entering) }
                })
            let all = head(hidden, ExitHeadContext(batch: batch)).array
            scores = open.map { all[$0.place] }
        } else {
            guard let rows else { return }
            for (part, count) in counts(open) { parts[part].ledger.addExitHead(head.cost, rows: count) }
            if head.readsLogits { return try judge(rows, open, byGate: head, heads, after: layer) }
            scores = head(rows, ExitHeadContext()).array
        }
        guard let rows else { return }
        scores = scores.map(sigmoid)
        if heads.manifest.kind.usesHazards { scores = hazards(open, scores) }
        try leave(rows, open, scores, after: layer)
    }

    /// A gate reads what its exit says, so that its rows have their logits already.
    private mutating func judge(
        _ rows: Tensor, _ open: [Place], byGate head: any ExitHead, _ heads: ExitHeads,
        after layer: Int
    ) throws(GenerationError) {
        let translated = head.translate(rows)
        for (part, count) in counts(open) { parts[part].ledger.addHead(of: stack, rows: count) }
        for piece in pieces(of: open.count) {
            let logits = stack.head(translated.rows(piece))
            var scores = head(rows.rows(piece), ExitHeadContext(logits: logits)).array.map(sigmoid)
            if heads.manifest.kind.usesHazards { scores = hazards(Array(open[piece]), scores) }
            try hear(logits, Array(open[piece]), layer: layer) { index, _, row in
                row.score?.passes(scores[index]) == true ? scores[index] : nil
            }
        }
    }

    private mutating func hazards(_ open: [Place], _ scores: [Float]) -> [Float] {
        zip(open, scores).map { parts[$0.part].rows[$0.row].hazards.next($1).hazard }
    }

    /// As `ExitPass` judges among few tokens: most of the head is read only for the first exit and for rows that are sure.
    private mutating func judgeCandidates(
        _ rows: Tensor, _ open: [Place], after layer: Int
    ) throws(GenerationError) {
        for (index, place) in open.enumerated() {
            guard let score = parts[place.part].rows[place.row].score else { continue }
            var few = parts[place.part].rows[place.row].few
            let judged = few.judge(rows.rows(index..<index + 1), by: score, stack, &parts[place.part].ledger)
            parts[place.part].rows[place.row].few = few
            guard let judged, let logits = judged.logits, score.passes(judged.score) else { continue }
            try hear(logits, [place], layer: layer) { _, _, _ in judged.score }
        }
    }

    // MARK: What is said

    /// Rows of a head's answer that are looked at together: logits are large where the vocabulary is.
    private func pieces(of count: Int) -> [Range<Int>] {
        let most = max(16, (1 << 24) / stack.vocabularySize)
        return stride(from: 0, to: count, by: most).map { $0..<min($0 + most, count) }
    }

    private func counts(_ open: [Place]) -> [(part: Int, count: Int)] {
        Dictionary(grouping: open, by: \.part).map { ($0.key, $0.value.count) }
    }

    /// Asks the shared head about rows.
    ///
    /// - Parameter leaves: the score with which a row leaves; nil where it does not. At the last layer all rows end.
    private mutating func say(
        _ rows: Tensor?, _ open: [Place], layer: Int,
        leaves: (_ index: Int, LogitSummary, Row) -> Float?
    ) throws(GenerationError) {
        guard let rows else { return }
        for (part, count) in counts(open) { parts[part].ledger.addHead(of: stack, rows: count) }
        for piece in pieces(of: open.count) {
            try hear(stack.head(rows.rows(piece)), Array(open[piece]), layer: layer) { index, summary, row in
                leaves(piece.lowerBound + index, summary, row)
            }
        }
    }

    /// Takes what logits say of rows that leave.
    private mutating func hear(
        _ logits: Tensor, _ open: [Place], layer: Int,
        leaves: (_ index: Int, LogitSummary, Row) -> Float?
    ) throws(GenerationError) {
        for (index, (place, summary)) in zip(open, logits.summarizedLogits()).enumerated() {
            let row = parts[place.part].rows[place.row]
            let score = leaves(index, summary, row)
            guard score != nil || layer == stack.layerCount else { continue }
            guard let likeliest = summary.argmax else {
                let part = parts[place.part]
                throw .notANumber(position: part.state.length - part.rows.count + place.row)
            }
            parts[place.part].rows[place.row].isOpen = false
            parts[place.part].rows[place.row].answer = logits.withRow(index) { numbers in
                ForcedRows.Answer(
                    summary, likeliest, logits: { numbers[Int($0)] }, of: row.questions, layer: layer, score: score)
            }
        }
    }
}
