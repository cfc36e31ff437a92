/// A set of scalars, as a class of a regular expression describes it.
struct ScalarSet: Sendable {
    /// What a set is made of.
    indirect enum Item: Sendable {
        case range(UInt32, UInt32)
        case categories(CategorySet)
        case whitespace
        /// What `\w` matches: letters, marks, decimal numbers and connectors, and in Rust's view letter-like symbols.
        case word
        case not(Item)
        case any([Item])
        case all([Item])
    }

    private let item: Item
    private let ignoresCase: Bool
    private var ascii: (UInt64, UInt64) = (0, 0)

    init(_ item: Item, ignoresCase: Bool = false) {
        self.item = item
        self.ignoresCase = ignoresCase
        for scalar in UInt32(0)..<128 where decide(scalar) {
            if scalar < 64 { ascii.0 |= 1 << UInt64(scalar) } else { ascii.1 |= 1 << UInt64(scalar - 64) }
        }
    }

    /// Whether a scalar is in the set.
    @inline(__always) func contains(_ scalar: UInt32) -> Bool {
        if scalar < 64 { return ascii.0 >> UInt64(scalar) & 1 != 0 }
        if scalar < 128 { return ascii.1 >> UInt64(scalar - 64) & 1 != 0 }
        return decide(scalar)
    }

    private func decide(_ scalar: UInt32) -> Bool {
        if ScalarSet.has(item, scalar) { return true }
        guard ignoresCase else { return false }
        let upper = ScalarSet.uppercase(scalar)
        return [upper, ScalarSet.lowercase(scalar), ScalarSet.lowercase(upper)].contains { ScalarSet.has(item, $0) }
    }

    private static func has(_ item: Item, _ scalar: UInt32) -> Bool {
        switch item {
        case .range(let low, let high): low <= scalar && scalar <= high
        case .categories(let set): CharacterClasses.table[scalar].isIn(set)
        case .whitespace: isWhitespace(scalar)
        case .word: isWord(scalar)
        case .not(let item): !has(item, scalar)
        case .any(let items): items.contains { has($0, scalar) }
        case .all(let items): items.allSatisfy { has($0, scalar) }
        }
    }

    /// The uppercase form where it is one scalar.
    private static func uppercase(_ scalar: UInt32) -> UInt32 {
        single(Unicode.Scalar(scalar)?.properties.uppercaseMapping) ?? scalar
    }

    private static func lowercase(_ scalar: UInt32) -> UInt32 {
        single(Unicode.Scalar(scalar)?.properties.lowercaseMapping) ?? scalar
    }

    private static func single(_ mapping: String?) -> UInt32? {
        guard let scalars = mapping?.unicodeScalars, let first = scalars.first, scalars.count == 1 else { return nil }
        return first.value
    }
}

/// Whether a scalar is part of a word: alphabetic, a mark, a decimal number, a connector or a joiner.
func isWord(_ scalar: UInt32) -> Bool {
    let set = CategorySet.letter.union(.mark).union(CategorySet(rawValue: 1 << 8 | 1 << 9 | 1 << 11))
    if CharacterClasses.table[scalar].isIn(set) { return true }
    switch scalar {
    // Joiners, then the circled and squared letters, which are symbols and alphabetic.
    case 0x200C, 0x200D, 0x24B6...0x24E9, 0x1F130...0x1F149, 0x1F150...0x1F169, 0x1F170...0x1F189: return true
    default: return false
    }
}
