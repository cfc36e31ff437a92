import DynamaxFormats

extension TokenizerJSON {
    // MARK: Normalizers

    static func normalizer(_ node: JSONNode?) throws(FormatError) -> Normalizer? {
        guard let node else { return nil }
        switch try node.string("type") {
        case "Sequence":
            var steps: [Normalizer] = []
            for step in try node.array("normalizers") { if let step = try normalizer(step) { steps.append(step) } }
            return steps.isEmpty ? nil : .sequence(steps)
        case "NFC": return .form(.nfc)
        case "NFD": return .form(.nfd)
        case "NFKC": return .form(.nfkc)
        case "NFKD": return .form(.nfkd)
        case "Prepend": return .prepend(Array(try node.string("prepend").utf8))
        case "Replace":
            let content = Array(try node.string("content").utf8)
            switch try target(node) {
            case .pattern(let pattern): return .replacePattern(pattern, by: content)
            case .literal(let literal): return .replaceLiteral(literal, by: content)
            default: return nil
            }
        case "Lowercase": return .lowercase
        case "Strip": return .strip(left: try node.bool("strip_left"), right: try node.bool("strip_right"))
        case "StripAccents": return .stripAccents
        case "Nmt": return .nmt
        case "Precompiled":
            guard let encoded = try node.optionalString("precompiled_charsmap"), !encoded.isEmpty else { return nil }
            guard let bytes = bytes(ofBase64: encoded), let map = CharacterMap(bytes) else {
                throw FormatError(
                    .malformed, node.location, "the field \(node.path).precompiled_charsmap must be a table in base 64")
            }
            return .precompiled(map)
        case let type: throw unsupported(type, node)
        }
    }

    private static func bytes(ofBase64 text: String) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count / 4 * 3)
        var bits: UInt32 = 0
        var count = 0
        for character in text.utf8 {
            let value: UInt8
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - 97 + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - 48 + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "="): continue
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return result
    }

    /// What a Replace or Split looks for.
    private static func target(_ node: JSONNode) throws(FormatError) -> Splitter.Target {
        let pattern = try node.node("pattern")
        if let literal = try pattern.optionalString("String") { return .literal(Array(literal.utf8)) }
        let expression = try pattern.string("Regex")
        do {
            return .pattern(try Pattern(expression))
        } catch {
            throw FormatError(
                .unsupported, node.location, "the expression in the field \(pattern.path) \(error.problem)")
        }
    }

    // MARK: Pre-tokenizers

    static func preTokenizer(_ node: JSONNode?) throws(FormatError) -> PreTokenizer {
        guard let node else { return PreTokenizer(steps: []) }
        return PreTokenizer(steps: try steps(node))
    }

    private static func steps(_ node: JSONNode) throws(FormatError) -> [PreTokenizer.Step] {
        switch try node.string("type") {
        case "Sequence":
            var all: [PreTokenizer.Step] = []
            for step in try node.array("pretokenizers") { all += try steps(step) }
            return all
        case "ByteLevel":
            let addsSpace = PreTokenizer.Step.byteLevel(addsSpace: try node.optionalBool("add_prefix_space") ?? true)
            return try node.optionalBool("use_regex") ?? true ? [addsSpace, .words(.gpt2)] : [addsSpace]
        case "Split":
            let behavior = try self.behavior(node) ?? .isolated
            let isInverted = try node.optionalBool("invert") ?? false
            if let expression = try node.node("pattern").optionalString("Regex"),
                let scanner = WordScanner(expression: expression),
                (behavior == .isolated && !isInverted) || (behavior == .removed && isInverted)
            {
                return [.words(scanner)]
            }
            return [.split(Splitter(target: try target(node), behavior: behavior, isInverted: isInverted))]
        case "Digits":
            let areSingle = try node.optionalBool("individual_digits") ?? false
            return [.split(Splitter(target: .numbers, behavior: areSingle ? .isolated : .contiguous))]
        case "Punctuation":
            return [.split(Splitter(target: .punctuation, behavior: try behavior(node) ?? .isolated))]
        case "WhitespaceSplit": return [.split(Splitter(target: .whitespace, behavior: .removed))]
        case "Whitespace":
            guard let words = try? Pattern(#"\w+|[^\w\s]+"#) else { throw unsupported("Whitespace", node) }
            return [.split(Splitter(target: .pattern(words), behavior: .removed, isInverted: true))]
        case "CharDelimiterSplit":
            return [.split(Splitter(target: .literal(Array(try node.string("delimiter").utf8)), behavior: .removed))]
        case "Metaspace": return [.metaspace(try metaspace(node))]
        case let type: throw unsupported(type, node)
        }
    }

    private static func behavior(_ node: JSONNode) throws(FormatError) -> Splitter.Behavior? {
        guard let name = try node.optionalString("behavior") else { return nil }
        guard let behavior = Splitter.Behavior(rawValue: name) else {
            throw try node.node("behavior").expected(
                "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous")
        }
        return behavior
    }

    private static func metaspace(_ node: JSONNode) throws(FormatError) -> PreTokenizer.Metaspace {
        typealias Prepending = PreTokenizer.Metaspace.Prepending
        var prepending = Prepending.always
        if let scheme = try node.optionalString("prepend_scheme") {
            guard let known = Prepending(rawValue: scheme) else {
                throw try node.node("prepend_scheme").expected("always, never or first")
            }
            prepending = known
        }
        if try node.optionalBool("add_prefix_space") == false { prepending = .never }
        return PreTokenizer.Metaspace(
            replacement: Array((try node.optionalString("replacement") ?? "▁").utf8), prepending: prepending,
            splits: try node.optionalBool("split") ?? true)
    }

    // MARK: Decoders

    static func decoder(_ node: JSONNode?) throws(FormatError) -> Decoder {
        guard let node else { return Decoder(separator: [UInt8(ascii: " ")]) }
        var decoder = Decoder()
        var isFused = false
        try add(node, to: &decoder, &isFused)
        return decoder
    }

    /// Adds a decoder's work, in the order that is built in: changes of pieces, then bytes, then the whole text.
    private static func add(_ node: JSONNode, to decoder: inout Decoder, _ isFused: inout Bool) throws(FormatError) {
        let type = try node.string("type")
        let isOfPieces = ["ByteLevel", "Replace", "Metaspace", "WordPiece"].contains(type)
        guard !isOfPieces || (!isFused && decoder.byteRuns == .none) else {
            throw FormatError(
                .unsupported, node.location,
                "the field \(node.path) asks for \(type) after ByteFallback or Fuse, which is not supported")
        }
        switch type {
        case "Sequence": for step in try node.array("decoders") { try add(step, to: &decoder, &isFused) }
        case "ByteLevel": decoder.steps.append(.byteLevel)
        case "ByteFallback": decoder.byteRuns = .whole
        case "Fuse": isFused = true
        case "Replace":
            guard case .literal(let literal) = try target(node) else {
                throw FormatError(
                    .unsupported, node.location,
                    "the field \(node.path).pattern must be a String in a decoder, expressions are not supported")
            }
            decoder.steps.append(.replace(literal, by: Array(try node.string("content").utf8)))
        case "Metaspace":
            let metaspace = try metaspace(node)
            decoder.steps.append(.replace(metaspace.replacement, by: [UInt8(ascii: " ")]))
            if metaspace.prepending != .never { decoder.start = .allInFirstPiece(metaspace.replacement) }
        case "WordPiece":
            decoder.steps.append(
                .wordPiece(
                    prefix: Array(try node.string("prefix").utf8), cleansUp: try node.optionalBool("cleanup") ?? true))
        case "Strip":
            let start = try node.int("start")
            let stop = try node.int("stop")
            try require(stop == 0, "stop", node)
            try require(start <= 0 || isFused, "start", node)
            decoder.start = .strip(Array(try node.string("content").utf8), max(0, start))
        default: throw unsupported(type, node)
        }
    }
}
