/// The scalar at a place in UTF-8 text, and the number of bytes it takes.
///
/// Texts come from Swift strings and are sound; should bytes not be, each counts as one U+FFFD and nothing is read past
/// the end.
@inline(__always) func scalar(in text: Span<UInt8>, at index: Int) -> (value: UInt32, count: Int) {
    let head = UInt32(text[index])
    if head < 0x80 { return (head, 1) }
    let count = head < 0xE0 ? 2 : head < 0xF0 ? 3 : 4
    guard head >= 0xC2, head < 0xF5, index + count <= text.count else { return (0xFFFD, 1) }
    var value = head & (0x7F >> UInt32(count))
    for i in 1..<count {
        let next = text[index + i]
        guard next & 0xC0 == 0x80 else { return (0xFFFD, 1) }
        value = value << 6 | UInt32(next & 0x3F)
    }
    return value < 0x110000 ? (value, count) : (0xFFFD, 1)
}

/// The scalar that ends before a place in UTF-8 text, and the number of bytes it takes.
func scalar(in text: Span<UInt8>, before index: Int) -> (value: UInt32, count: Int) {
    var start = index - 1
    while start > 0, index - start < 4, text[start] & 0xC0 == 0x80 { start -= 1 }
    let found = scalar(in: text, at: start)
    return start + found.count == index ? found : (0xFFFD, 1)
}

extension [UInt8] {
    /// Appends a scalar in UTF-8; what is no scalar becomes U+FFFD.
    mutating func append(scalar value: UInt32) {
        append(contentsOf: Unicode.Scalar(value)?.utf8 ?? Unicode.Scalar("\u{FFFD}").utf8)
    }

    /// Appends bytes.
    mutating func append(_ bytes: Span<UInt8>) {
        reserveCapacity(count + bytes.count)
        for i in bytes.indices { append(bytes[i]) }
    }
}

/// Where the bytes at the end begin that may be the start of a longer UTF-8 sequence; the end where there are none.
func incompleteTail(of text: Span<UInt8>) -> Int {
    let end = text.count
    for length in 1...3 where length <= end {
        let head = text[end - length]
        if head & 0xC0 == 0x80 { continue }
        guard needed(after: head) > length else { return end }
        // The second byte decides whether the sequence can still become sound.
        return length == 1 || accepts(head, text[end - length + 1]) ? end - length : end
    }
    return end
}

/// The length that a lead byte promises; 1 for ASCII and for bytes that lead nothing.
func needed(after head: UInt8) -> Int {
    switch head {
    case 0xC2...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF4: 4
    default: 1
    }
}

/// Whether a second byte is allowed after a lead byte (Unicode, table 3-7).
func accepts(_ head: UInt8, _ second: UInt8) -> Bool {
    switch head {
    case 0xE0: 0xA0...0xBF ~= second
    case 0xED: 0x80...0x9F ~= second
    case 0xF0: 0x90...0xBF ~= second
    case 0xF4: 0x80...0x8F ~= second
    default: 0x80...0xBF ~= second
    }
}
