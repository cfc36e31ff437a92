public import DynamaxTensor

/// How the next token is drawn from the logits.
public struct Sampling: Hashable, Sendable {
    /// Divides the logits; 0 takes the most probable token.
    public var temperature: Float
    /// Keeps the k most probable tokens; nil for all.
    public var topK: Int?
    /// Keeps the most probable tokens until they hold this share of the probability; 1 for all.
    public var topP: Float
    /// Drops tokens less probable than this share of the most probable one's; 0 for none.
    public var minP: Float
    /// Where the random numbers start.
    public var seed: UInt64

    /// Takes the most probable token each time.
    public static let greedy = Sampling(temperature: 0)

    /// Takes the settings; greedy by default.
    public init(temperature: Float = 0, topK: Int? = nil, topP: Float = 1, minP: Float = 0, seed: UInt64 = 0) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.seed = seed
    }

    /// What is wrong with the settings, as a sentence; nil if nothing is.
    public var problem: String? {
        if !(temperature >= 0 && temperature.isFinite) {
            return "the temperature must be 0 or more, not \(temperature)"
        }
        if let topK, topK < 1 { return "top-k must be 1 or more, not \(topK)" }
        if !(topP > 0 && topP <= 1) { return "top-p must lie above 0 and at most at 1, not \(topP)" }
        if !(minP >= 0 && minP <= 1) { return "min-p must lie between 0 and 1, not \(minP)" }
        return nil
    }
}

/// Draws tokens; part of a sequence, so that a moved sequence goes on as it would have.
public struct Sampler: Sendable {
    /// The settings.
    public let sampling: Sampling
    private var random: Philox

    /// Starts at the first random number of the seed.
    public init(_ sampling: Sampling) {
        self.sampling = sampling
        random = Philox(seed: sampling.seed)
    }

    /// The next token for one row of logits, or nil if any of them is NaN.
    ///
    /// Filters apply in the order temperature, top-k, top-p, min-p, as in transformers.
    ///
    /// - Parameter logits: [1, vocabulary]
    public mutating func next(_ logits: Tensor) -> Token? {
        guard sampling.temperature > 0 else { return logits.summarizedLogits()[0].argmax }
        guard logits.summarizedLogits()[0].argmax != nil else { return nil }
        let candidates = distribution(logits)
        var remaining = random.uniform() * candidates.reduce(0) { $0 + $1.probability }
        for candidate in candidates {
            remaining -= candidate.probability
            if remaining < 0 { return candidate.token }
        }
        return candidates.last?.token
    }

    /// The tokens that may be drawn, with probabilities that need not sum to 1.
    package func distribution(_ logits: Tensor) -> [Candidate] {
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
