import DynamaxTensor

/// Tokens that are found in the text itself, before it is cut into words: control tokens such as `</s>`, and whatever was
/// added to a vocabulary after its training.
struct AddedTokens: Sendable {
    /// One of them.
    struct Entry: Sendable {
        let id: Token
        /// What is looked for in the text.
        var content: [UInt8]
        /// Whether it counts only where no letter or digit touches it.
        var isSingleWord = false
        /// Whether it takes the white space before it along.
        var stripsLeft = false
        /// Whether it takes the white space after it along.
        var stripsRight = false
        /// Whether it is looked for in the normalized text instead.
        var isNormalized = false
        /// Whether it is a control token: not text, and only found where the caller trusts the text.
        var isSpecial = false
    }

    private var entries: [Entry] = []
    private var verbatim = PrefixTrie()
    private var normalized = PrefixTrie()

    init() {}

    /// Makes the set; the contents of those that are looked for in normalized text are normalized too.
    init(_ entries: [Entry], normalizer: Normalizer?) {
        self.entries = entries
        for (number, entry) in entries.enumerated() {
            if entry.isNormalized {
                normalized.insert(normalizer?.normalized(entry.content.span) ?? entry.content, number)
            } else {
                verbatim.insert(entry.content, number)
            }
        }
    }

    /// Which of the two sets to look for.
    enum Stage { case verbatim, normalized }

    /// Calls `body` with each part of a text: a token's, or text without tokens. No part is empty.
    ///
    /// Of the tokens that begin at the first possible place the longest is taken.
    func forEachPart(
        in text: Span<UInt8>, _ stage: Stage, parsesSpecial: Bool, _ body: (Range<Int>, Token?) -> Void
    ) {
        let trie = stage == .verbatim ? verbatim : normalized
        var done = 0
        var position = trie.isEmpty ? text.count : 0
        while position < text.count {
            guard trie.mayStart(with: text[position]), let found = trie.longest(in: text, at: position) else {
                position += 1
                continue
            }
            var range = position..<found.end
            position = found.end
            let entry = entries[found.number]
            if entry.isSpecial && !parsesSpecial { continue }
            if entry.isSingleWord, AddedTokens.touchesWord(range, in: text) { continue }
            if entry.stripsLeft {
                let start = AddedTokens.spaceStart(before: range.lowerBound, in: text)
                range = min(max(start, done), range.upperBound)..<range.upperBound
            }
            if entry.stripsRight { range = range.lowerBound..<AddedTokens.spaceEnd(after: range.upperBound, in: text) }
            if done < range.lowerBound { body(done..<range.lowerBound, nil) }
            body(range, entry.id)
            done = range.upperBound
        }
        if done < text.count { body(done..<text.count, nil) }
    }

    private static func touchesWord(_ range: Range<Int>, in text: Span<UInt8>) -> Bool {
        (range.lowerBound > 0 && isWord(scalar(in: text, before: range.lowerBound).value))
            || (range.upperBound < text.count && isWord(scalar(in: text, at: range.upperBound).value))
    }

    private static func spaceStart(before index: Int, in text: Span<UInt8>) -> Int {
        var position = index
        while position > 0 {
            let last = scalar(in: text, before: position)
            guard isWhitespace(last.value) else { break }
            position -= last.count
        }
        return position
    }

    private static func spaceEnd(after index: Int, in text: Span<UInt8>) -> Int {
        var position = index
        while position < text.count {
            let next = scalar(in: text, at: position)
            guard isWhitespace(next.value) else { break }
            position += next.count
        }
        return position
    }
}
