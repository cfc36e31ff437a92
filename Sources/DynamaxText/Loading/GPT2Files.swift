import DynamaxFormats
import DynamaxTensor

/// Reads a vocabulary in the files of GPT-2: an object of pieces and numbers, and a text of merges, a line each.
struct GPT2Files {
    private let vocabulary: JSONNode
    private let merges: MappedFile
    private let addsSpace: Bool

    /// Takes the files; `addsSpace` says whether a space is put before a text that begins with none.
    init(vocabulary: JSONNode, merges: MappedFile, addsSpace: Bool) {
        self.vocabulary = vocabulary
        self.merges = merges
        self.addsSpace = addsSpace
    }

    /// The file of merges that belongs to a file of pieces; nil where the name does not end in vocab.json.
    static func merges(beside file: String) -> String? {
        file.hasSuffix("vocab.json") ? file.dropLast("vocab.json".count) + "merges.txt" : nil
    }

    /// Pieces that are control tokens wherever these files are used.
    private static let control = ["<|endoftext|>", "<s>", "</s>", "<unk>", "<pad>", "<mask>"]

    func parts() throws(FormatError) -> Tokenizer.Parts {
        var pieces: [(bytes: [UInt8], id: Int)] = []
        for (piece, value) in try vocabulary.object() {
            guard case .integer(let id) = value else {
                throw FormatError(
                    .mismatch, vocabulary.location, "the number of the piece \"\(piece)\" must be an integer")
            }
            pieces.append((Array(piece.utf8), id))
        }
        let all = try Vocabulary(pieces, location: vocabulary.location)
        let index = PieceIndex(all.all)
        var parts = Tokenizer.Parts(
            location: vocabulary.location, vocabulary: all,
            model: .bytePair(
                BytePairModel(
                    byteLevel: all.all, index: index, merger: try merger(index), unknown: BytePairModel.Unknown(),
                    ignoresMerges: false)))
        parts.preTokenizer = PreTokenizer(steps: [.byteLevel(addsSpace: addsSpace), .words(.gpt2)])
        parts.decoder = Decoder(steps: [.byteLevel])
        for piece in GPT2Files.control {
            let bytes = Array(piece.utf8)
            guard let number = index.number(of: bytes.span) else { continue }
            parts.added.append(AddedTokens.Entry(id: Token(number), content: bytes, isSpecial: true))
        }
        return parts
    }

    private func merger(_ index: PieceIndex) throws(FormatError) -> PairMerger {
        var builder = MergeBuilder(index, capacity: 0)
        var rank = 0
        for (number, line) in merges.bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.isEmpty || (number == 0 && line.starts(with: "#version".utf8)) { continue }
            let halves = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard halves.count == 2, builder.add(halves[0], halves[1], rank) else {
                throw FormatError(
                    .malformed, merges.location,
                    "line \(number + 1) must be two pieces of the vocabulary that make a third")
            }
            rank += 1
        }
        return builder.merger
    }
}
