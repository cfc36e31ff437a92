import DynamaxFormats

/// The table of replacements that a SentencePiece model carries (`precompiled_charsmap`).
///
/// It is a double-array trie (Darts) over the texts to be replaced, followed by their replacements, each ended by a zero.
struct CharacterMap: Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]

    /// Reads a table; nil where its size does not agree with what it says.
    init?(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count > 4 else { return nil }
        func word(_ index: Int) -> UInt32 {
            UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
                | UInt32(bytes[index + 3]) << 24
        }
        let size = Int(word(0))
        guard size % 4 == 0, size > 0, size < bytes.count - 4 else { return nil }
        units = (0..<size / 4).map { word(4 + $0 * 4) }
        replacements = Array(bytes[(4 + size)...])
    }

    /// The texts of the table that stand at a place, shortest first: where each ends and its replacement's place.
    private func matches(in text: Span<UInt8>, from start: Int, to end: Int) -> [(end: Int, place: Int)] {
        var found: [(end: Int, place: Int)] = []
        var node = 0
        node ^= CharacterMap.offset(units[node])
        for position in start..<end {
            let byte = text[position]
            node ^= Int(byte)
            guard node < units.count else { break }
            let unit = units[node]
            // The label of a unit is its low byte, and bit 31 marks a leaf, which no text byte equals.
            guard unit & 0x8000_00FF == UInt32(byte) else { break }
            node ^= CharacterMap.offset(unit)
            guard node < units.count else { break }
            if unit >> 8 & 1 != 0 { found.append((position + 1, Int(units[node] & 0x7FFF_FFFF))) }
        }
        return found
    }

    private static func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit >> 9 & 1) * 8)) }

    private func appendReplacement(at place: Int, to result: inout [UInt8]) {
        guard place < replacements.count else { return }
        for byte in replacements[place...] {
            if byte == 0 { break }
            result.append(byte)
        }
    }

    /// The longest text of the table at a place: where it ends, its replacement appended; nil where there is none.
    func replaceLongest(in text: Span<UInt8>, at start: Int, _ result: inout [UInt8]) -> Int? {
        // The reference looks at the 32 shortest.
        guard let found = matches(in: text, from: start, to: text.count).prefix(32).last else { return nil }
        appendReplacement(at: found.place, to: &result)
        return found.end
    }

    /// Normalizes text as `tokenizers` does: a user-perceived character of at most five bytes is looked up whole, then
    /// each scalar alone, and the shortest entry that begins like it is taken.
    func normalizedByCharacter(_ text: Span<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var position = 0
        for character in String(decoding: text.indices.map { text[$0] }, as: UTF8.self) {
            let end = position + character.utf8.count
            if end - position < 6, replace(position..<end, of: text, &result) {
                position = end
                continue
            }
            while position < end {
                let count = scalar(in: text, at: position).count
                if !replace(position..<position + count, of: text, &result) {
                    result.append(text.extracting(position..<position + count))
                }
                position += count
            }
        }
        return result
    }

    private func replace(_ range: Range<Int>, of text: Span<UInt8>, _ result: inout [UInt8]) -> Bool {
        guard let found = matches(in: text, from: range.lowerBound, to: range.upperBound).first else { return false }
        appendReplacement(at: found.place, to: &result)
        return true
    }
}
