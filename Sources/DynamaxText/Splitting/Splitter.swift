/// Divides text at what it looks for.
struct Splitter: Sendable {
    /// What is looked for.
    enum Target: Sendable {
        case pattern(Pattern)
        case literal([UInt8])
        case numbers
        case punctuation
        case whitespace
    }

    /// What becomes of what was found.
    enum Behavior: String, Sendable {
        case removed = "Removed"
        case isolated = "Isolated"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
        case contiguous = "Contiguous"
    }

    let target: Target
    let behavior: Behavior
    /// Whether what lies between the finds counts as found.
    var isInverted = false

    /// Calls `body` with each part that remains.
    func forEachPart(in text: Span<UInt8>, _ spelling: Spelling, _ body: (Range<Int>) -> Void) {
        var pending: Range<Int>?
        var afterMatch = false
        forEachFind(in: text, spelling) { range, isFound in
            let isMatch = isFound != isInverted
            switch behavior {
            case .isolated: body(range)
            case .removed: if !isMatch { body(range) }
            case .mergedWithPrevious:
                extend(&pending, range, isMatch && !afterMatch, body)
            case .contiguous:
                extend(&pending, range, isMatch == afterMatch, body)
            case .mergedWithNext:
                // A match joins what follows it unless that is a match too.
                extend(&pending, range, afterMatch && !isMatch, body)
            }
            afterMatch = isMatch
        }
        if let pending { body(pending) }
    }

    private func extend(
        _ pending: inout Range<Int>?, _ range: Range<Int>, _ joins: Bool, _ body: (Range<Int>) -> Void
    ) {
        if let last = pending {
            if joins {
                pending = last.lowerBound..<range.upperBound
                return
            }
            body(last)
        }
        pending = range
    }

    private func forEachFind(in text: Span<UInt8>, _ spelling: Spelling, _ body: (Range<Int>, Bool) -> Void) {
        switch target {
        case .pattern(let pattern): pattern.forEachPart(in: text, spelling, body)
        case .literal(let literal): forEachLiteral(literal, in: text, body)
        case .numbers: forEachCharacter(in: text, spelling, body) { CharacterClasses.table[$0].isNumber }
        case .punctuation: forEachCharacter(in: text, spelling, body) { CharacterClasses.table[$0].isPunctuation }
        case .whitespace: forEachCharacter(in: text, spelling, body) { isWhitespace($0) }
        }
    }

    private func forEachCharacter(
        in text: Span<UInt8>, _ spelling: Spelling, _ body: (Range<Int>, Bool) -> Void, where isWanted: (UInt32) -> Bool
    ) {
        var done = 0
        var position = 0
        while position < text.count {
            let next = spelling.scalar(in: text, at: position)
            if isWanted(next.value) {
                if done < position { body(done..<position, false) }
                body(position..<position + next.count, true)
                done = position + next.count
            }
            position += next.count
        }
        if done < text.count { body(done..<text.count, false) }
    }

    private func forEachLiteral(_ literal: [UInt8], in text: Span<UInt8>, _ body: (Range<Int>, Bool) -> Void) {
        var done = 0
        var position = 0
        while position < text.count {
            guard text.has(literal, at: position) else {
                position += 1
                continue
            }
            if done < position { body(done..<position, false) }
            position += literal.count
            body(position - literal.count..<position, true)
            done = position
        }
        if done < text.count { body(done..<text.count, false) }
    }
}

extension Span<UInt8> {
    /// Whether bytes, which must be some, stand at a place.
    @inline(__always) func has(_ bytes: [UInt8], at index: Int) -> Bool {
        guard !bytes.isEmpty, bytes.count <= count - index else { return false }
        for i in bytes.indices where self[index + i] != bytes[i] { return false }
        return true
    }
}
