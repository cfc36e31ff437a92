import DynamaxLayers
import DynamaxModels
import DynamaxTensor

/// Rows that go through the layers together.
struct ForcedLevel {
    /// One row and what is known of it.
    struct Row {
        let questions: [Token]
        /// Whether its fate is still open.
        var isOpen: Bool
        /// How sure exits must be, in this place of the text; nil where none lets the row go.
        let score: ExitScore?
        var hazards = ExitHazards()
        var few = FewTokens()
        var answer: ForcedRows.Answer?
    }

    /// The rows of one sequence.
    struct Part {
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

    let stack: any LayerStack
    let policy: ExitPolicy?
    var parts: [Part]
    /// The rows on their way, part by part, those that have joined first; of no meaning when none are.
    private(set) var hidden: Tensor
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
                var score = sequence.runsThrough ? nil : pacer?.0
                if number >= 0, let decay = pacer?.1, let threshold = score?.threshold {
                    score = score?.with(threshold: decay.threshold(threshold, at: sequence.decided + number))
                }
                return Row(
                    questions: number >= 0 ? sequence.questions[number] : [], isOpen: number >= 0, score: score)
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

    typealias Place = (part: Int, row: Int, place: Int)

    /// Some of the rows on their way; nil for none.
    func rows(_ places: [Place], of rows: Tensor) -> Tensor? {
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
    func openRows() -> [Place] {
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
}
