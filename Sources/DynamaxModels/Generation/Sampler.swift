public import DynamaxTensor

/// Draws tokens. What is drawn depends on the seed, the position, the logits and the tokens of the sequence alone, so that a
/// sequence that was moved, taken back or forked goes on as it would have.
///
/// It is a value: a copy may look ahead, accepting tokens that are only proposed.
public struct Sampler: Sendable {
    /// The settings.
    public let sampling: Sampling
    /// The tokens of the sequence, where a penalty needs them.
    private var past: Set<Token> = []

    /// Takes the settings, for a sequence that is still empty.
    public init(_ sampling: Sampling) {
        self.sampling = sampling
    }

    private var hasPenalty: Bool { sampling.repetitionPenalty != 1 }

    /// Takes note of tokens that the sequence goes on by, those of its prompt included.
    public mutating func accept(_ tokens: some Sequence<Token>) {
        if hasPenalty { past.formUnion(tokens) }
    }

    /// Takes note of a token that the sequence goes on by.
    public mutating func accept(_ token: Token) {
        if hasPenalty { past.insert(token) }
    }

    /// The token for one row of logits, or nil if any of them is NaN.
    ///
    /// The penalty and filters apply in the order repetition, temperature, top-k, top-p, min-p, as in transformers. Then each token runs a race whose
    /// time is exponentially distributed with its probability as rate: it is the first with that probability (the
    /// Gumbel-max trick). Noise belongs to position and token, so two distributions that are close mostly give the same
    /// token, and what an exit drafts is mostly what the full model draws.
    ///
    /// - Parameters:
    ///   - logits: [1, vocabulary]
    ///   - position: of the token in its sequence.
    public func token(_ logits: Tensor, at position: Int) -> Token? {
        let logits = penalized(logits)
        let best = logits.summarizedLogits(ofRow: 0).argmax
        guard sampling.temperature > 0, best != nil else { return best }
        var noise = RaceNoise(seed: sampling.seed, position: position)
        var winner: (token: Token, time: Float)?
        for candidate in filtered(logits) where candidate.probability > 0 {
            let time = noise.time(candidate.token) / candidate.probability
            if time < winner?.time ?? .infinity { winner = (candidate.token, time) }
        }
        return winner?.token ?? best
    }

    /// The tokens that may be drawn, with probabilities that need not sum to 1.
    package func distribution(_ logits: Tensor) -> [Candidate] { filtered(penalized(logits)) }

    /// The logits with the penalty for tokens that the sequence already has.
    private func penalized(_ logits: Tensor) -> Tensor {
        guard hasPenalty, !past.isEmpty else { return logits }
        var numbers = logits.array
        for token in past where numbers.indices.contains(Int(token)) {
            let logit = numbers[Int(token)]
            numbers[Int(token)] =
                logit < 0 ? logit * sampling.repetitionPenalty : logit / sampling.repetitionPenalty
        }
        return Tensor(numbers, logits.shape, on: logits.device)
    }

    private func filtered(_ logits: Tensor) -> [Candidate] {
        logits.softmax(temperature: sampling.temperature).withRow(0) { row in
            var candidates = mostProbable(row)
            if sampling.topP < 1 {
                let total = sampling.topK == nil ? row.reduce(0, +) : candidates.reduce(0) { $0 + $1.probability }
                var sum: Float = 0
                let last = candidates.firstIndex { candidate in
                    sum += candidate.probability
                    return sum >= sampling.topP * total
                }
                if let last { candidates.removeLast(candidates.count - last - 1) }
            }
            if sampling.minP > 0, let best = candidates.first?.probability {
                candidates.removeAll { $0.probability < sampling.minP * best }
            }
            return candidates
        }
    }

    /// The candidates that filters can leave, the most probable first; all in the order of the vocabulary without filters.
    private func mostProbable(_ row: UnsafeBufferPointer<Float>) -> [Candidate] {
        if let topK = sampling.topK, topK < row.count {
            var best: [Candidate] = []
            for (token, probability) in row.enumerated() {
                let candidate = Candidate(token: Token(token), probability: probability)
                if best.count == topK, !(best[topK - 1] < candidate) { continue }
                let place = best.firstIndex { $0 < candidate } ?? best.count
                best.insert(candidate, at: place)
                if best.count > topK { best.removeLast() }
            }
            return best
        }
        let all = row.enumerated().lazy.map { Candidate(token: Token($0), probability: $1) }
        guard sampling.topP < 1 || sampling.minP > 0 else { return Array(all) }
        // Tokens below this cannot be among those that hold topP of the probability, nor come near the best.
        let least =
            sampling.topP < 1
            ? (1 - sampling.topP) * row.reduce(0, +) / Float(row.count) * 0.5
            : sampling.minP * (row.max() ?? 0)
        return all.filter { $0.probability >= least }.sorted(by: >)
    }

    /// A token that may be drawn. Of equally probable ones, the smaller number comes first.
    package struct Candidate: Comparable {
        package let token: Token
        package let probability: Float

        package static func < (a: Candidate, b: Candidate) -> Bool {
            a.probability != b.probability ? a.probability < b.probability : a.token > b.token
        }
    }
}

/// Exponentially distributed numbers, one for each token at a position.
private struct RaceNoise {
    private let key: InlineArray<2, UInt32>
    private let position: UInt64
    /// The block of four tokens that was asked for last.
    private var block: (number: UInt32, words: InlineArray<4, UInt32>)?

    init(seed: UInt64, position: Int) {
        key = [UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)]
        self.position = UInt64(position)
    }

    mutating func time(_ token: Token) -> Float {
        let number = UInt32(token) / 4
        let words: InlineArray<4, UInt32>
        if let block, block.number == number {
            words = block.words
        } else {
            words = Philox.block(
                counter: [number, UInt32(truncatingIfNeeded: position), UInt32(position >> 32), 0], key: key)
            block = (number, words)
        }
        // The middle of one of 2^24 equal parts of 0 ... 1, so that it is never 0 nor 1.
        return -logarithm((Float(words[Int(token) % 4] >> 8) + 0.5) * 0x1p-24)
    }
}
