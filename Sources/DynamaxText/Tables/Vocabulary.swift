import DynamaxFormats
import DynamaxTensor

/// The pieces of a tokenizer by number, as its file spells them.
struct Vocabulary: Sendable {
    private let strings: ByteStrings
    private let isPresent: [Bool]

    /// One more than the largest number.
    var count: Int { strings.count }

    /// Puts pieces in order; of those with the same number the last stays.
    ///
    /// - Throws: where a number is negative, or so large that most would have no piece.
    init(_ pieces: [(bytes: [UInt8], id: Int)], location: String) throws(FormatError) {
        var largest = -1
        for (bytes, id) in pieces {
            guard id >= 0, id < 2 * pieces.count + 65536 else {
                throw FormatError(
                    .malformed, location,
                    "the piece \"\(String(decoding: bytes, as: UTF8.self))\" has the number \(id), expected one from 0 "
                        + "to about the number of pieces (\(pieces.count))")
            }
            largest = max(largest, id)
        }
        var places = [Int](repeating: -1, count: largest + 1)
        for (place, piece) in pieces.enumerated() { places[piece.id] = place }
        var strings = ByteStrings(capacity: places.count, bytes: 8 * places.count)
        for place in places { strings.append(place < 0 ? [] : pieces[place].bytes) }
        self.strings = strings
        isPresent = places.map { $0 >= 0 }
    }

    /// The bytes of a piece, or nil where there is none of this number.
    subscript(token: Token) -> ArraySlice<UInt8>? {
        guard token >= 0, token < isPresent.count, isPresent[Int(token)] else { return nil }
        return strings[Int(token)]
    }

    /// All pieces, empty where there is none.
    var all: ByteStrings { strings }
}
