/// What splitting asks of a character: its general category, and whether it counts as punctuation, number or accent.
///
/// The values are those of the `tokenizers` library (Unicode 16; its punctuation and accents are older, its numbers newer).
struct CharacterClass: Sendable {
    let rawValue: UInt8

    /// Its general category.
    var category: Category { Category(rawValue: rawValue & 31) ?? .unassigned }
    /// Whether Punctuation and BertPreTokenizer split at it.
    var isPunctuation: Bool { rawValue & 32 != 0 }
    /// Whether Digits splits at it.
    var isNumber: Bool { rawValue & 64 != 0 }
    /// Whether StripAccents leaves it out.
    var isAccent: Bool { rawValue & 128 != 0 }

    /// Whether its category is in a set.
    @inline(__always) func isIn(_ set: CategorySet) -> Bool { set.rawValue >> UInt32(rawValue & 31) & 1 != 0 }

    /// The general categories of Unicode.
    enum Category: UInt8, CaseIterable, Sendable {
        // In the order of the script that writes the table.
        // swift-format-ignore
        case uppercaseLetter, lowercaseLetter, titlecaseLetter, modifierLetter, otherLetter,
            nonspacingMark, spacingMark, enclosingMark, decimalNumber, letterNumber, otherNumber,
            connectorPunctuation, dashPunctuation, openPunctuation, closePunctuation, initialPunctuation,
            finalPunctuation, otherPunctuation, mathSymbol, currencySymbol, modifierSymbol, otherSymbol,
            spaceSeparator, lineSeparator, paragraphSeparator, control, format, surrogate, privateUse, unassigned

        /// Its abbreviation in regular expressions.
        var abbreviation: String {
            [
                "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf",
                "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
            ][Int(rawValue)]
        }
    }
}

/// A set of general categories.
struct CategorySet: OptionSet, Sendable {
    let rawValue: UInt32

    static let letter = CategorySet(rawValue: 0x1F)
    static let mark = CategorySet(rawValue: 0xE0)
    static let number = CategorySet(rawValue: 0x700)

    /// The categories whose abbreviation begins with `name`, as in L or Lu; nil where there are none.
    init?(abbreviation name: String) {
        rawValue = CharacterClass.Category.allCases.reduce(0) {
            $1.abbreviation.hasPrefix(name) ? $0 | 1 << UInt32($1.rawValue) : $0
        }
        if rawValue == 0 || name.isEmpty { return nil }
    }

    init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// Whether a scalar has the property White_Space.
@inline(__always) func isWhitespace(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x09...0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
    default: false
    }
}

/// The classes of all scalars, in blocks of 128 of which equal ones are kept once (about 40 KB, made in 0.1 ms).
struct CharacterClasses: Sendable {
    /// The one table.
    static let table = CharacterClasses()

    private var blocks: [UInt8] = []
    private var places: [UInt16] = []  // of each block

    private init() {
        var numbers = GeneratedNumbers(CharacterClassData.runs)
        var block: [UInt8] = []
        var known: [[UInt8]: UInt16] = [:]
        var last: (value: UInt8, place: UInt16)?  // of the last block that is all one class
        while !numbers.isAtEnd {
            let value = CharacterClassData.classes[Int(numbers.next())]
            var left = Int(numbers.next())
            while left > 0 {
                if block.isEmpty, left >= 128, let last, last.value == value {
                    places.append(last.place)
                    left -= 128
                    continue
                }
                let isUniform = block.isEmpty && left >= 128
                let taken = min(left, 128 - block.count)
                block.append(contentsOf: repeatElement(value, count: taken))
                left -= taken
                guard block.count == 128 else { continue }
                let place = known[block] ?? UInt16(blocks.count / 128)
                if known.updateValue(place, forKey: block) == nil { blocks += block }
                places.append(place)
                if isUniform { last = (value, place) }
                block.removeAll(keepingCapacity: true)
            }
        }
    }

    /// The class of a scalar.
    @inline(__always) subscript(scalar: UInt32) -> CharacterClass {
        CharacterClass(rawValue: blocks[Int(places[Int(scalar >> 7)]) << 7 | Int(scalar & 127)])
    }
}
