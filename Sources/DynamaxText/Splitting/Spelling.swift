/// How the bytes of a text are to be read as characters.
///
/// ByteLevel writes each byte as a printable character, "Ġ" for a space. Here the bytes themselves are kept; the few
/// steps of a pre-tokenizer that may follow it see those characters through this.
enum Spelling: Sendable {
    case utf8
    case byteLevel

    /// The scalar at a place, and the number of bytes it takes.
    @inline(__always) func scalar(in text: Span<UInt8>, at index: Int) -> (value: UInt32, count: Int) {
        switch self {
        case .utf8: DynamaxText.scalar(in: text, at: index)
        case .byteLevel: (ByteLevel.character(of: text[index]), 1)
        }
    }

    /// The scalar at a place, or nil at the end.
    @inline(__always) func scalarOrEnd(in text: Span<UInt8>, at index: Int) -> (value: UInt32, count: Int)? {
        index < text.count ? scalar(in: text, at: index) : nil
    }
}
