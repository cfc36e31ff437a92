/// Finds which of a set of byte strings stand at a place in a text.
struct PrefixTrie: Sendable {
    // Edges are keys node << 8 | byte of one hash table: compact, quick to build, and one cache line a step.
    private var edges = IntegerMap()
    private var numbers: [Int32] = [-1]  // of the string that ends at each node, or -1
    private var first: [Bool] = Array(repeating: false, count: 256)

    /// Whether there are no strings.
    var isEmpty: Bool { edges.count == 0 }

    /// Adds a string; the last of equal ones stays, and empty ones are ignored.
    mutating func insert(_ bytes: some Collection<UInt8>, _ number: Int) {
        guard let head = bytes.first else { return }
        first[Int(head)] = true
        var node: UInt64 = 0
        for byte in bytes {
            let key = node << 8 | UInt64(byte)
            if let next = edges[key] {
                node = next
            } else {
                node = UInt64(numbers.count)
                edges.set(key, node)
                numbers.append(-1)
            }
        }
        numbers[Int(node)] = Int32(number)
    }

    /// Whether some string begins with this byte.
    @inline(__always) func mayStart(with byte: UInt8) -> Bool { first[Int(byte)] }

    /// The longest string that stands at `start`, and where it ends.
    func longest(in text: Span<UInt8>, at start: Int) -> (number: Int, end: Int)? {
        var found: (number: Int, end: Int)?
        forEach(in: text, at: start) { found = ($0, $1) }
        return found
    }

    /// All strings that stand at `start`, shortest first, and where they end.
    @inline(__always) func forEach(in text: Span<UInt8>, at start: Int, _ body: (_ number: Int, _ end: Int) -> Void) {
        guard start < text.count, mayStart(with: text[start]) else { return }
        var node: UInt64 = 0
        var position = start
        while position < text.count, let next = edges[node << 8 | UInt64(text[position])] {
            node = next
            position += 1
            let number = numbers[Int(node)]
            if number >= 0 { body(Int(number), position) }
        }
    }
}
