import DynamaxTensor

/// The unigram language model (Kudo 2018): the segmentation of a word whose pieces have the greatest sum of scores.
///
/// Found by Viterbi's algorithm over the positions of the text. References: `unigram_model.cc` of SentencePiece (sums in
/// single precision) and the `Unigram` model of `tokenizers` (double).
struct UnigramModel: Sendable {
    /// The precision of the sums; it decides between segmentations that are nearly equal.
    enum Precision: Sendable { case single, double }

    private let trie: PrefixTrie
    private let scores: [Double]
    private let unknownScore: Double
    private let unknown: Token?
    private let isFused: Bool
    private let bytes: [Token]?
    private let precision: Precision
    // The unknown token takes part in the search even where text has none.
    private let unknownNumber: Int

    /// Memory that is used again for each word.
    struct Workspace {
        fileprivate var single: [Node<Float>] = []
        fileprivate var double: [Node<Double>] = []
        fileprivate var found: [(token: Int, start: Int, end: Int)] = []
    }

    /// The best way to reach a position.
    fileprivate struct Node<Real: BinaryFloatingPoint> {
        var score: Real = 0
        var start: Int32 = -1  // where its last piece begins, or -1 where the position was not reached
        var token: Int32 = 0
    }

    /// Makes a model.
    ///
    /// - Parameters:
    ///   - pieces: the text of each token; empty where it cannot occur.
    ///   - scores: log-probability of each token.
    ///   - lowest: the least score of those that count for unknown characters.
    ///   - bytes: the tokens of the 256 bytes, where unknown characters are spelled in bytes.
    init(
        pieces: ByteStrings, scores: [Double], lowest: Double, unknown: Token?, isFused: Bool, bytes: [Token]?,
        precision: Precision
    ) {
        var trie = PrefixTrie()
        for number in 0..<pieces.count { trie.insert(pieces[number], number) }
        self.trie = trie
        self.scores = scores
        self.unknown = unknown
        self.isFused = isFused
        self.bytes = bytes
        self.precision = precision
        let penalty = 10.0
        unknownScore = precision == .single ? Double(Float(lowest) - Float(penalty)) : lowest - penalty
        unknownNumber = unknown.map { Int($0) } ?? -1
    }

    /// Appends the tokens of a word.
    func encode(_ word: Span<UInt8>, into tokens: inout [Token], _ workspace: inout Workspace) {
        // Positions are 32-bit; a longer word is cut, at the start of a character.
        var start = 0
        while start < word.count {
            var end = min(word.count, start + 1 << 30)
            while end < word.count, word[end] & 0xC0 == 0x80 { end += 1 }
            let part = word.extracting(start..<end)
            workspace.found.removeAll(keepingCapacity: true)
            switch precision {
            case .single: search(part, &workspace.single, &workspace.found)
            case .double: search(part, &workspace.double, &workspace.found)
            }
            append(workspace.found, of: part, to: &tokens)
            start = end
        }
    }

    private func search<Real: BinaryFloatingPoint>(
        _ word: Span<UInt8>, _ memory: inout [Node<Real>], _ found: inout [(token: Int, start: Int, end: Int)]
    ) {
        memory.removeAll(keepingCapacity: true)
        memory.append(contentsOf: repeatElement(Node(), count: word.count + 1))
        var nodes = memory.mutableSpan
        var position = 0
        while position < word.count {
            let length = scalar(in: word, at: position).count
            let base = nodes[position].score
            var coversCharacter = false
            trie.forEach(in: word, at: position) { number, end in
                let score = Real(scores[number]) + base
                if nodes[end].start < 0 || score > nodes[end].score {
                    nodes[end] = Node(score: score, start: Int32(position), token: Int32(number))
                }
                if end - position == length { coversCharacter = true }
            }
            if !coversCharacter {
                let score = Real(unknownScore) + base
                if nodes[position + length].start < 0 || score > nodes[position + length].score {
                    nodes[position + length] = Node(
                        score: score, start: Int32(position), token: Int32(unknownNumber))
                }
            }
            position += length
        }
        var end = word.count
        while end > 0 {
            let node = nodes[end]
            found.append((Int(node.token), Int(node.start), end))
            end = Int(node.start)
        }
        found.reverse()
    }

    private func append(
        _ found: [(token: Int, start: Int, end: Int)], of word: Span<UInt8>, to tokens: inout [Token]
    ) {
        var next = 0
        while next < found.count {
            let part = found[next]
            next += 1
            guard part.token == unknownNumber else {
                tokens.append(Token(truncatingIfNeeded: part.token))
                continue
            }
            var end = part.end
            while isFused, next < found.count, found[next].token == unknownNumber {
                end = found[next].end
                next += 1
            }
            appendUnknown(word.extracting(part.start..<end), to: &tokens)
        }
    }

    private func appendUnknown(_ text: Span<UInt8>, to tokens: inout [Token]) {
        // Text that spells a piece in full is that piece, be it the piece for unknown text itself.
        if let whole = trie.longest(in: text, at: 0), whole.end == text.count {
            tokens.append(Token(truncatingIfNeeded: whole.number))
        } else if let bytes, text.indices.allSatisfy({ bytes[Int(text[$0])] >= 0 }) {
            for i in text.indices { tokens.append(bytes[Int(text[i])]) }
        } else if let unknown {
            tokens.append(unknown)
        }
    }
}
