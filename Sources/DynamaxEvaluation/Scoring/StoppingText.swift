import DynamaxModels
import DynamaxTensor
import DynamaxText

/// A text as it is written, until a stop appears in it.
struct StoppingText {
    private(set) var choices: [Choice] = []
    /// What each token stands for, the stop's included.
    private(set) var pieces: [String] = []
    private let tokenizer: Tokenizer
    private let limits: WritingLimits
    private var detokenizer: StreamingDetokenizer
    private var watch: StopWatch

    init(_ tokenizer: Tokenizer, _ limits: WritingLimits) throws {
        // The end of a text may be written out too, as a stop like the others.
        let end = try tokenizer.eosTokens.first.map { try tokenizer.piece($0) }
        self.tokenizer = tokenizer
        self.limits = WritingLimits(
            stops: limits.stops + [end].compactMap(\.self), maximumTokens: limits.maximumTokens)
        detokenizer = StreamingDetokenizer(tokenizer)
        watch = StopWatch(self.limits.stops)
    }

    /// Whether a stop is in the text.
    var hasStopped: Bool { watch.hasSeen }
    /// The text before the first stop.
    var answer: String { limits.cut(HarnessTokens.written(pieces.joined(), tokenizer)) }

    mutating func append(_ choice: Choice) {
        choices.append(choice)
        pieces.append(detokenizer.append(choice.token))
        watch.read(pieces[pieces.count - 1])
    }

    /// Adds what was held back of a character that tokens have begun and not ended.
    mutating func finish() {
        let rest = detokenizer.finish()
        if !pieces.isEmpty { pieces[pieces.count - 1] += rest }
    }
}

/// Looks for stops in a text that comes in pieces, across their borders.
package struct StopWatch {
    package private(set) var hasSeen = false
    private let stops: [[UInt8]]
    /// The end of the text, as long as a stop may have begun in it.
    private var tail: [UInt8] = []

    package init(_ stops: [String]) {
        self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
    }

    package mutating func read(_ piece: String) {
        tail += piece.utf8
        hasSeen = hasSeen || stops.contains { tail.firstRange(of: $0) != nil }
        tail.removeFirst(max(0, tail.count - (stops.map(\.count).max() ?? 0)))
    }
}
