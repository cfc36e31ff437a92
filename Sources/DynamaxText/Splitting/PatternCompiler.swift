/// Translates a regular expression into the program of a `Pattern`.
struct PatternCompiler {
    private let text: [Unicode.Scalar]
    private var position = 0
    private var ignoresCase = false
    private var depth = 0

    /// Longer programs are refused: `{1,1000}` copies what it repeats.
    private static let longest = 5000
    /// Groups nested deeper are refused.
    private static let deepest = 50

    typealias Program = [Pattern.Instruction]

    init(_ expression: String) { text = Array(expression.unicodeScalars) }

    mutating func compile() throws(PatternError) -> Program {
        let program = try alternatives()
        guard position == text.count else { throw refused("an unmatched ')'") }
        return program + [.match]
    }

    // MARK: Structure
    // Programs of parts address places relative to themselves; joining them moves the addresses.

    private mutating func alternatives() throws(PatternError) -> Program {
        depth += 1
        guard depth <= PatternCompiler.deepest else { throw refused("groups nested so deep") }
        let outerCase = ignoresCase  // what "(?i)" changes up to the end of the group
        defer {
            depth -= 1
            ignoresCase = outerCase
        }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        var program = branches.removeLast()
        for branch in branches.reversed() {
            // fork to the branch, which jumps over the rest
            let rest = program
            program = [.fork(1, branch.count + 2)]
            append(branch, to: &program)
            program.append(.jump(program.count + 1 + rest.count))
            append(rest, to: &program)
        }
        try checkLength(program)
        return program
    }

    private mutating func sequence() throws(PatternError) -> Program {
        var program: Program = []
        while position < text.count, text[position] != "|", text[position] != ")" {
            let part = try quantified(atom())
            append(part, to: &program)
            try checkLength(program)
        }
        return program
    }

    private mutating func quantified(_ part: Program) throws(PatternError) -> Program {
        var (low, high): (Int, Int?) = (1, 1)
        let mark = position
        if take("*") {
            (low, high) = (0, nil)
        } else if take("+") {
            (low, high) = (1, nil)
        } else if take("?") {
            (low, high) = (0, 1)
        } else if take("{") {
            guard let bounds = counts() else {
                position = mark  // a brace that stands for itself
                return part
            }
            (low, high) = bounds
        } else {
            return part
        }
        guard low <= (high ?? low) else { throw refused("a quantifier whose bounds are in the wrong order") }
        let isLazy = take("?")
        if position < text.count, text[position] == "+" { throw refused("a possessive or repeated quantifier") }
        guard part.count * (max(low, high ?? low) + 1) <= PatternCompiler.longest else {
            throw refused("a quantifier that makes it so long")
        }
        var program: Program = []
        for _ in 0..<low { append(part, to: &program) }
        if let high {
            // x{0,2} is (x(x)?)?: each fork leaves to the end of all.
            let end = program.count + (high - low) * (part.count + 1)
            for _ in low..<high {
                let next = program.count + 1
                program.append(isLazy ? .fork(end, next) : .fork(next, end))
                append(part, to: &program)
            }
        } else {
            let start = program.count
            let end = start + part.count + 2
            program.append(isLazy ? .fork(end, start + 1) : .fork(start + 1, end))
            append(part, to: &program)
            program.append(.jump(start))
        }
        return program
    }

    /// The rest of `{n}`, `{n,}` or `{n,m}`.
    private mutating func counts() -> (Int, Int?)? {
        guard let low = number() else { return nil }
        if take("}") { return (low, low) }
        guard take(",") else { return nil }
        if take("}") { return (low, nil) }
        guard let high = number(), take("}") else { return nil }
        return (low, high)
    }

    private mutating func number() -> Int? {
        let start = position
        while position < text.count, "0"..."9" ~= text[position], position - start < 5 { position += 1 }
        return Int(String(String.UnicodeScalarView(text[start..<position])))
    }

    private func append(_ part: Program, to program: inout Program) {
        let offset = program.count
        for instruction in part {
            switch instruction {
            case .fork(let a, let b): program.append(.fork(a + offset, b + offset))
            case .jump(let a): program.append(.jump(a + offset))
            default: program.append(instruction)
            }
        }
    }

    // MARK: Atoms

    private mutating func atom() throws(PatternError) -> Program {
        let next = text[position]
        position += 1
        switch next {
        case "(": return try group()
        case "[": return [.character(set(try bracket()))]
        case ".": return [.character(set(.not(.range(0x0A, 0x0A))))]
        case "^": return [.lineStart]
        case "$": return [.lineEnd]
        case "*", "+", "?": throw refused("a quantifier without anything to repeat")
        case "\\": return [.character(set(try escape()))]
        default: return [.character(set(.range(next.value, next.value)))]
        }
    }

    private mutating func group() throws(PatternError) -> Program {
        var isWanted: Bool?
        let outerCase = ignoresCase
        if take("?") {
            if take(":") {
            } else if take("=") {
                isWanted = true
            } else if take("!") {
                isWanted = false
            } else if take("i:") {
                ignoresCase = true
            } else if take("i)") {
                ignoresCase = true
                return []
            } else {
                throw refused("the group (?\(text[position...].first.map(String.init) ?? "")")
            }
        }
        let program = try alternatives()
        guard take(")") else { throw refused("a '(' without ')'") }
        ignoresCase = outerCase
        guard let isWanted else { return program }
        guard program.count == 1, case .character(let set) = program[0] else {
            throw refused("looking ahead at more than one character")
        }
        return [.ahead(set, isWanted)]
    }

    private func set(_ item: ScalarSet.Item) -> ScalarSet { ScalarSet(item, ignoresCase: ignoresCase) }

    /// The rest of a class after `[`.
    private mutating func bracket() throws(PatternError) -> ScalarSet.Item {
        depth += 1
        guard depth <= PatternCompiler.deepest else { throw refused("classes nested so deep") }
        defer { depth -= 1 }
        let isNegated = take("^")
        var all: [ScalarSet.Item] = []
        var items: [ScalarSet.Item] = []
        var isFirst = true
        while isFirst || !take("]") {
            isFirst = false
            guard position < text.count else { throw refused("a '[' without ']'") }
            if take("&&") {
                all.append(.any(items))
                items = []
                continue
            }
            let item = try bracketItem()
            guard case .range(let low, _) = item, position + 1 < text.count, text[position] == "-",
                text[position + 1] != "]"
            else {
                items.append(item)
                continue
            }
            position += 1
            guard case .range(_, let high) = try bracketItem(), low <= high else {
                throw refused("a range of characters without two ends in order")
            }
            items.append(.range(low, high))
        }
        let item: ScalarSet.Item = all.isEmpty ? .any(items) : .all(all + [.any(items)])
        return isNegated ? .not(item) : item
    }

    private mutating func bracketItem() throws(PatternError) -> ScalarSet.Item {
        let next = text[position]
        position += 1
        if next == "[" {
            if position < text.count, text[position] == ":" { throw refused("a class in the manner of [:alpha:]") }
            return try bracket()
        }
        return next == "\\" ? try escape() : .range(next.value, next.value)
    }

    private mutating func escape() throws(PatternError) -> ScalarSet.Item {
        guard position < text.count else { throw refused("a '\\' at the end") }
        let next = text[position]
        position += 1
        let decimal = ScalarSet.Item.categories(CategorySet(rawValue: 1 << 8))
        switch next {
        case "s": return .whitespace
        case "S": return .not(.whitespace)
        case "d": return decimal
        case "D": return .not(decimal)
        case "w": return .word
        case "W": return .not(.word)
        case "r": return .range(0x0D, 0x0D)
        case "n": return .range(0x0A, 0x0A)
        case "t": return .range(0x09, 0x09)
        case "f": return .range(0x0C, 0x0C)
        case "v": return .range(0x0B, 0x0B)
        case "p": return try property()
        case "P": return .not(try property())
        case "x", "u": return try hexadecimal(digits: next == "x" ? 2 : 4)
        case "0"..."9", "a"..."z", "A"..."Z": throw refused("the escape \\\(next)")
        default: return .range(next.value, next.value)
        }
    }

    /// A code point, as in `x41`, `u0041` or `x{1F600}`.
    private mutating func hexadecimal(digits: Int) throws(PatternError) -> ScalarSet.Item {
        let isBraced = take("{")
        let start = position
        while position < text.count, text[position].properties.isASCIIHexDigit,
            position - start < (isBraced ? 6 : digits)
        {
            position += 1
        }
        guard let value = UInt32(String(String.UnicodeScalarView(text[start..<position])), radix: 16), value < 0x110000,
            !isBraced || take("}")
        else { throw refused("an escape without a code point") }
        return .range(value, value)
    }

    private mutating func property() throws(PatternError) -> ScalarSet.Item {
        var name = ""
        if take("{") {
            while position < text.count, text[position] != "}" {
                name.unicodeScalars.append(text[position])
                position += 1
            }
            guard take("}") else { throw refused("a property without '}'") }
        } else if position < text.count {
            name.unicodeScalars.append(text[position])
            position += 1
        }
        let isNegated = name.hasPrefix("^")
        if isNegated { name.removeFirst() }
        guard let set = CategorySet(abbreviation: name) else { throw refused("the property \\p{\(name)}") }
        return isNegated ? .not(.categories(set)) : .categories(set)
    }

    // MARK: Scanning

    private mutating func take(_ literal: String) -> Bool {
        let scalars = literal.unicodeScalars
        guard text.count - position >= scalars.count, text[position...].starts(with: scalars) else { return false }
        position += scalars.count
        return true
    }

    private func checkLength(_ program: Program) throws(PatternError) {
        guard program.count <= PatternCompiler.longest else { throw refused("so long an expression") }
    }

    private func refused(_ what: String) -> PatternError {
        PatternError(problem: "uses \(what), which is not supported (near character \(position))")
    }
}
