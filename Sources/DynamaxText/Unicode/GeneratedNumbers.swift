/// Reads the numbers of the generated tables: one digit of base 64, or a mark (. _ =) that says that 2, 3 or 4 follow.
struct GeneratedNumbers {
    private let text: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ text: StaticString) {
        self.text = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    var isAtEnd: Bool { position >= text.count }

    mutating func next() -> UInt32 {
        let mark = text[position]
        position += 1
        switch mark {
        case UInt8(ascii: "."): return digits(2)
        case UInt8(ascii: "_"): return digits(3)
        case UInt8(ascii: "="): return digits(4)
        default: return GeneratedNumbers.digit(mark)
        }
    }

    private mutating func digits(_ count: Int) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            value = value << 6 | GeneratedNumbers.digit(text[position])
            position += 1
        }
        return value
    }

    private static func digit(_ character: UInt8) -> UInt32 {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character) - 48
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character) - 65 + 10
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character) - 97 + 36
        case UInt8(ascii: "-"): 62
        default: 63
        }
    }
}
