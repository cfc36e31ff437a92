/// Changes a text before it is cut into words.
indirect enum Normalizer: Sendable {
    case sequence([Normalizer])
    case form(NormalizationForm)
    case prepend([UInt8])
    case replaceLiteral([UInt8], by: [UInt8])
    case replacePattern(Pattern, by: [UInt8])
    case lowercase
    case strip(left: Bool, right: Bool)
    /// Leaves out combining marks.
    case stripAccents
    /// Leaves out control characters and writes all white space as spaces, as Google's neural machine translation did.
    case nmt
    /// The replacements of a SentencePiece model, found for user-perceived characters as `tokenizers` does.
    case precompiled(CharacterMap)
    case sentencePiece(SentencePieceNormalizer)

    /// The normalized text, or nil where it is the same.
    func normalized(_ text: Span<UInt8>) -> [UInt8]? {
        if text.isEmpty { return nil }
        switch self {
        case .sequence(let steps):
            var result: [UInt8]?
            for step in steps {
                let next = if let result { step.normalized(result.span) } else { step.normalized(text) }
                result = next ?? result
            }
            return result
        case .form(let form): return form.normalized(text)
        case .prepend(let prefix):
            return building(text.count + prefix.count) {
                $0 += prefix
                $0.append(text)
            }
        case .replaceLiteral(let literal, let content): return replacing(literal, by: content, in: text)
        case .replacePattern(let pattern, let content):
            return building(text.count) { result in
                pattern.forEachPart(in: text, .utf8) { range, isMatch in
                    if isMatch { result += content } else { result.append(text.extracting(range)) }
                }
            }
        case .lowercase:
            return mappingScalars(text) { scalar, result in
                if scalar < 0x80 {
                    result.append(UInt8(scalar) | (0x41...0x5A ~= scalar ? 0x20 : 0))
                } else {
                    result += Unicode.Scalar(scalar)?.properties.lowercaseMapping.utf8.map { $0 } ?? []
                }
            }
        case .strip(let left, let right): return stripping(text, left, right)
        case .stripAccents:
            return mappingScalars(text) { scalar, result in
                if !CharacterClasses.table[scalar].isAccent { result.append(scalar: scalar) }
            }
        case .nmt: return mappingScalars(text, Normalizer.appendNMT)
        case .precompiled(let map): return map.normalizedByCharacter(text)
        case .sentencePiece(let normalizer): return normalizer.normalized(text)
        }
    }

    private func building(_ capacity: Int, _ body: (inout [UInt8]) -> Void) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(capacity)
        body(&result)
        return result
    }

    private func mappingScalars(_ text: Span<UInt8>, _ body: (UInt32, inout [UInt8]) -> Void) -> [UInt8] {
        building(text.count) {
            var position = 0
            while position < text.count {
                let next = scalar(in: text, at: position)
                position += next.count
                body(next.value, &$0)
            }
        }
    }

    private func replacing(_ literal: [UInt8], by content: [UInt8], in text: Span<UInt8>) -> [UInt8] {
        building(text.count + text.count / 2) {
            var position = 0
            while position < text.count {
                if text[position] == literal.first, text.has(literal, at: position) {
                    $0 += content
                    position += literal.count
                } else {
                    $0.append(text[position])
                    position += 1
                }
            }
        }
    }

    private func stripping(_ text: Span<UInt8>, _ left: Bool, _ right: Bool) -> [UInt8]? {
        var start = 0
        var end = text.count
        while left, start < end {
            let next = scalar(in: text, at: start)
            guard isWhitespace(next.value) else { break }
            start += next.count
        }
        while right, end > start {
            let last = scalar(in: text, before: end)
            guard isWhitespace(last.value) else { break }
            end -= last.count
        }
        return end - start == text.count ? nil : building(end - start) { $0.append(text.extracting(start..<end)) }
    }

    private static func appendNMT(_ scalar: UInt32, to result: inout [UInt8]) {
        switch scalar {
        case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: break
        case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
            result.append(UInt8(ascii: " "))
        default: result.append(scalar: scalar)
        }
    }
}
