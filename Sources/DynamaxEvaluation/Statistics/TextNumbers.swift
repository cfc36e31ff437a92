import DynamaxTensor

/// Words or tokens by number, in the order in which they first occur: `Divergence` measures numbers.
struct TextNumbers {
    private var known: [String: Token] = [:]

    /// The numbers of parts of a text.
    mutating func callAsFunction(_ parts: [String]) -> [Token] {
        parts.map { part in
            let number = known[part] ?? Token(known.count)
            known[part] = number
            return number
        }
    }
}
