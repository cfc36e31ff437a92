/// Collects the merges of a vocabulary.
struct MergeBuilder {
    private(set) var merger: PairMerger
    private let index: PieceIndex
    private var joined: [UInt8] = []

    init(_ index: PieceIndex, capacity: Int) {
        self.index = index
        merger = PairMerger(capacity: capacity)
    }

    /// Adds two pieces with one space between them; false where they, or what they make, are not in the vocabulary.
    mutating func add(_ line: String, _ rank: Int) -> Bool {
        var line = line
        return line.withUTF8 { bytes in
            guard let space = bytes.firstIndex(of: UInt8(ascii: " ")),
                !bytes[(space + 1)...].contains(UInt8(ascii: " "))
            else { return false }
            return add(UnsafeBufferPointer(rebasing: bytes[..<space]), bytes[(space + 1)...], rank)
        }
    }

    /// Adds two pieces; false where they, or what they make, are not in the vocabulary.
    mutating func add(_ left: String, _ right: String, _ rank: Int) -> Bool { add(left.utf8, right.utf8, rank) }

    /// Adds the bytes of two pieces.
    mutating func add(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>, _ rank: Int) -> Bool {
        joined.removeAll(keepingCapacity: true)
        joined.append(contentsOf: left)
        let middle = joined.count
        joined.append(contentsOf: right)
        guard let (first, second, whole) = find(joined.span, middle) else { return false }
        merger.set(first, second, rank: UInt32(truncatingIfNeeded: rank), joined: whole)
        return true
    }

    private func find(_ joined: Span<UInt8>, _ middle: Int) -> (UInt32, UInt32, UInt32)? {
        guard let first = index.number(of: joined.extracting(0..<middle)),
            let second = index.number(of: joined.extracting(middle..<joined.count)),
            let whole = index.number(of: joined)
        else { return nil }
        return (UInt32(first), UInt32(second), UInt32(whole))
    }
}

extension BytePairModel {
    /// A model over bytes whose pieces are spelled in the characters of GPT-2.
    init(
        byteLevel spelled: ByteStrings, index: PieceIndex, merger: PairMerger, unknown: Unknown, ignoresMerges: Bool
    ) {
        var pieces = ByteStrings(capacity: spelled.count, bytes: spelled.buffer.count)
        for number in 0..<spelled.count { pieces.append(ByteLevel.bytes(of: spelled[number]) ?? []) }
        let index = PieceIndex(pieces)
        let table = (0..<256).map { (byte: Int) in
            index.number(of: [UInt8(byte)].span).map { UInt32($0) } ?? PairMerger.unknown
        }
        self.init(
            pieces: pieces, index: index, merger: merger, alphabet: .bytes(table), unknown: unknown,
            ignoresMerges: ignoresMerges)
    }
}
