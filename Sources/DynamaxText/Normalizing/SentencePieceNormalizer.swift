/// The normalization of a SentencePiece model (`normalizer.cc`): replacements, then white space.
struct SentencePieceNormalizer: Sendable {
    let map: CharacterMap?
    /// Texts that are taken as they are.
    let protected: PrefixTrie
    let addsDummyPrefix: Bool
    let removesExtraWhitespace: Bool
    let escapesWhitespace: Bool
    let treatsWhitespaceAsSuffix: Bool

    private var space: [UInt8] { escapesWhitespace ? marker : [UInt8(ascii: " ")] }

    /// The normalized text.
    func normalized(_ text: Span<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / 2 + 3)
        if map == nil, protected.isEmpty, !removesExtraWhitespace {
            // Llama and Mistral: only spaces change.
            if addsDummyPrefix && !treatsWhitespaceAsSuffix && !text.isEmpty { result += space }
            for i in text.indices {
                if text[i] == UInt8(ascii: " ") { result += space } else { result.append(text[i]) }
            }
            if addsDummyPrefix && treatsWhitespaceAsSuffix && !text.isEmpty { result += space }
            return result
        }
        var part: [UInt8] = []
        var position = 0
        if removesExtraWhitespace {
            while position < text.count {
                let end = normalizePrefix(of: text, at: position, into: &part)
                guard part == [UInt8(ascii: " ")] else { break }
                position = end
            }
        }
        if position == text.count { return [] }
        if addsDummyPrefix && !treatsWhitespaceAsSuffix { result += space }
        var afterSpace = removesExtraWhitespace
        while position < text.count {
            position = normalizePrefix(of: text, at: position, into: &part)
            var first = 0
            while afterSpace, first < part.count, part[first] == UInt8(ascii: " ") { first += 1 }
            for byte in part[first...] {
                if byte == UInt8(ascii: " ") { result += space } else { result.append(byte) }
            }
            if first < part.count { afterSpace = part.last == UInt8(ascii: " ") }
            if !removesExtraWhitespace { afterSpace = false }
        }
        if removesExtraWhitespace {
            while result.count >= space.count, result.suffix(space.count).elementsEqual(space) {
                result.removeLast(space.count)
            }
        }
        if addsDummyPrefix && treatsWhitespaceAsSuffix { result += space }
        return result
    }

    /// Normalizes what stands at a place and is normalized as one; where it ends.
    private func normalizePrefix(of text: Span<UInt8>, at start: Int, into part: inout [UInt8]) -> Int {
        part.removeAll(keepingCapacity: true)
        if let found = protected.longest(in: text, at: start) {
            part.append(text.extracting(start..<found.end))
            return found.end
        }
        if let map, let end = map.replaceLongest(in: text, at: start, &part) { return end }
        let end = start + scalar(in: text, at: start).count
        part.append(text.extracting(start..<end))
        return end
    }
}
