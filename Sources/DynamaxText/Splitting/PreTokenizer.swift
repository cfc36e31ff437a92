/// Cuts normalized text into the words that a model encodes one by one.
struct PreTokenizer: Sendable {
    /// What is done to each word that the steps before have left.
    enum Step: Sendable {
        case words(WordScanner)
        case split(Splitter)
        case metaspace(Metaspace)
        /// From here on characters stand for bytes; beforehand a space may be put before the word.
        case byteLevel(addsSpace: Bool)
    }

    /// Writes spaces as another character, and may begin a word at each.
    struct Metaspace: Sendable {
        /// When the character is put before a word that does not begin with it.
        enum Prepending: String, Sendable {
            case always
            case never
            /// Only at the start of the whole text.
            case first
        }

        let replacement: [UInt8]
        let prepending: Prepending
        let splits: Bool
    }

    private let steps: [Step]
    /// Whether words are to be read as bytes.
    let isByteLevel: Bool

    init(steps: [Step]) {
        isByteLevel = steps.contains { if case .byteLevel = $0 { true } else { false } }
        // At the end the step would have nothing left to do.
        if case .byteLevel(addsSpace: false)? = steps.last {
            self.steps = steps.dropLast()
        } else {
            self.steps = steps
        }
    }

    /// Calls `body` with each word, none of them empty.
    ///
    /// - Parameter isAtStart: whether the text is the start of the whole text.
    func forEachWord(in text: Span<UInt8>, isAtStart: Bool, _ body: (Span<UInt8>) -> Void) {
        if !text.isEmpty { visit(0, text, isAtStart, .utf8, body) }
    }

    private func visit(
        _ index: Int, _ text: Span<UInt8>, _ isAtStart: Bool, _ spelling: Spelling, _ body: (Span<UInt8>) -> Void
    ) {
        guard index < steps.count else { return body(text) }
        switch steps[index] {
        case .words(let scanner):
            if index == steps.count - 1 {
                scanner.forEachWord(in: text, body)
            } else {
                var isFirst = isAtStart
                scanner.forEachWord(in: text) {
                    visit(index + 1, $0, isFirst, spelling, body)
                    isFirst = false
                }
            }
        case .split(let splitter):
            splitter.forEachPart(in: text, spelling) {
                guard !$0.isEmpty else { return }
                visit(index + 1, text.extracting($0), isAtStart && $0.lowerBound == 0, spelling, body)
            }
        case .metaspace(let metaspace):
            let changed = metaspace.apply(text, isAtStart)
            guard metaspace.splits else { return visit(index + 1, changed.span, isAtStart, spelling, body) }
            let splitter = Splitter(target: .literal(metaspace.replacement), behavior: .mergedWithNext)
            splitter.forEachPart(in: changed.span, spelling) {
                visit(index + 1, changed.span.extracting($0), isAtStart && $0.lowerBound == 0, spelling, body)
            }
        case .byteLevel(let addsSpace):
            if addsSpace, text[0] != UInt8(ascii: " ") {
                var changed: [UInt8] = [UInt8(ascii: " ")]
                changed.append(text)
                visit(index + 1, changed.span, isAtStart, .byteLevel, body)
            } else {
                visit(index + 1, text, isAtStart, .byteLevel, body)
            }
        }
    }
}

extension PreTokenizer.Metaspace {
    fileprivate func apply(_ text: Span<UInt8>, _ isAtStart: Bool) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / 2)
        let startsWithSpace = text[0] == UInt8(ascii: " ") || text.has(replacement, at: 0)
        if prepending != .never, prepending == .always || isAtStart, !startsWithSpace { result += replacement }
        for i in text.indices {
            if text[i] == UInt8(ascii: " ") { result += replacement } else { result.append(text[i]) }
        }
        return result
    }
}
