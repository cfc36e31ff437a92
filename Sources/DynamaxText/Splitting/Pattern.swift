/// A regular expression of the kind that tokenizers are cut by.
///
/// It is matched as backtracking engines would (the first alternative that leads to a match wins), but by following all
/// alternatives at once in order of preference (Pike's machine), so that the time is at most the length of the expression
/// times that of the text that is looked at. Supported are characters, classes with `&&`, the escapes d h s w p r n t f v x
/// u and their complements, groups, alternatives, greedy and lazy quantifiers, `(?i:)`, `^`, `$` and looking ahead at one
/// character: all that occurs in known vocabularies. Anything else is refused. The two most frequent expressions are run by
/// `WordScanner`, twenty times as fast.
struct Pattern: Sendable {
    /// A step of the machine.
    enum Instruction: Sendable {
        case character(ScalarSet)
        /// Go on at both places, the first one preferred.
        case fork(Int, Int)
        case jump(Int)
        /// Go on where the next character is in the set (or, with `false`, where none is).
        case ahead(ScalarSet, Bool)
        case lineStart
        case lineEnd
        case match
    }

    private let program: [Instruction]
    private let head: HeadSet

    /// Translates an expression.
    ///
    /// - Throws: `PatternError` that says what is not understood.
    init(_ expression: String) throws(PatternError) {
        var compiler = PatternCompiler(expression)
        program = try compiler.compile()
        head = HeadSet(program)
    }

    /// Calls `body` with the parts of a text: those that match, and those between them.
    func forEachPart(
        in text: Span<UInt8>, _ spelling: Spelling, _ body: (_ range: Range<Int>, _ isMatch: Bool) -> Void
    ) {
        var machine = Machine(program.count)
        var done = 0
        var position = 0
        while position < text.count {
            let next = spelling.scalar(in: text, at: position)
            guard head.mayStart(with: next.value), let end = machine.run(program, in: text, spelling, at: position)
            else {
                position += next.count
                continue
            }
            if done < position { body(done..<position, false) }
            body(position..<end, true)
            done = end
            position = end > position ? end : position + next.count
        }
        if done < text.count { body(done..<text.count, false) }
    }

    /// The characters below 128 that a match can begin with, so that hopeless places are passed quickly.
    private struct HeadSet: Sendable {
        private var ascii = [Bool](repeating: false, count: 128)
        private var isEmptyMatch = false

        init(_ program: [Instruction]) {
            var seen = [Bool](repeating: false, count: program.count)
            var stack = [0]
            while let place = stack.popLast() {
                if seen[place] { continue }
                seen[place] = true
                switch program[place] {
                case .character(let set):
                    for scalar in 0..<128 where set.contains(UInt32(scalar)) { ascii[scalar] = true }
                case .fork(let a, let b): stack += [a, b]
                case .jump(let a): stack.append(a)
                case .ahead, .lineStart, .lineEnd: stack.append(place + 1)
                case .match: isEmptyMatch = true
                }
            }
        }

        @inline(__always) func mayStart(with scalar: UInt32) -> Bool {
            scalar >= 128 || isEmptyMatch || ascii[Int(scalar)]
        }
    }

    /// The state of a search: the places in the program that are alive, in order of preference.
    private struct Machine {
        private var alive: [Int] = []
        private var reached: [Int] = []
        private var marks: [Int]
        private var generation = 0
        private var stack: [Int] = []

        init(_ count: Int) { marks = Array(repeating: 0, count: count) }

        /// The end of the match that begins at a place, or nil.
        mutating func run(
            _ program: [Instruction], in text: Span<UInt8>, _ spelling: Spelling, at start: Int
        ) -> Int? {
            var end: Int?
            var position = start
            reached.removeAll(keepingCapacity: true)
            generation += 1
            var next = spelling.scalarOrEnd(in: text, at: position)
            follow(0, program, next, text, position)
            swap(&alive, &reached)
            while !alive.isEmpty {
                reached.removeAll(keepingCapacity: true)
                generation += 1
                let current = next
                position += current?.count ?? 0
                if current != nil { next = spelling.scalarOrEnd(in: text, at: position) }
                for place in alive {
                    switch program[place] {
                    case .character(let set):
                        if let current, set.contains(current.value) {
                            follow(place + 1, program, next, text, position)
                        }
                    default:  // a match: what is less preferred is forgotten
                        end = position - (current?.count ?? 0)
                    }
                    if case .match = program[place] { break }
                }
                swap(&alive, &reached)
                if current == nil { break }
            }
            return end
        }

        /// Adds to `reached` all places that are reached without reading a character.
        private mutating func follow(
            _ place: Int, _ program: [Instruction], _ next: (value: UInt32, count: Int)?, _ text: Span<UInt8>,
            _ position: Int
        ) {
            stack.append(place)
            while let place = stack.popLast() {
                if marks[place] == generation { continue }
                marks[place] = generation
                switch program[place] {
                case .character, .match: reached.append(place)
                case .jump(let target): stack.append(target)
                case .fork(let preferred, let other):
                    stack.append(other)
                    stack.append(preferred)
                case .ahead(let set, let isWanted):
                    if (next.map { set.contains($0.value) } ?? false) == isWanted { stack.append(place + 1) }
                case .lineStart:
                    if position == 0 || text[position - 1] == 0x0A { stack.append(place + 1) }
                case .lineEnd:
                    if position == text.count || text[position] == 0x0A { stack.append(place + 1) }
                }
            }
        }
    }
}

/// Why an expression cannot be used: the rest of a sentence.
struct PatternError: Error, Equatable {
    let problem: String
}
