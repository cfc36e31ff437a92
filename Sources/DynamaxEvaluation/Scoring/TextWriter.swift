import DynamaxDepth
import DynamaxModels
import DynamaxTensor
import DynamaxText

/// Writes a text greedily until a stop has appeared in it.
struct TextWriter {
    let model: LanguageModel
    let tokenizer: Tokenizer
    /// Tokens that end a text.
    let stopTokens: Set<Token>

    /// A text and what it took.
    struct Outcome {
        /// The text before the first stop.
        let answer: String
        /// What each token stands for, the stop's included.
        let pieces: [String]
        let written: WrittenText
    }

    /// Writes a text.
    ///
    /// - Parameter past: a state, made for the decoder, that has consumed the beginning of the prompt.
    func write(
        _ prompt: [Token], _ limits: WritingLimits, _ decoder: any DynamaxModels.Decoder, past: SequenceState?
    ) throws -> Outcome {
        var generation = try Generation(
            model, decoder, prompt: prompt,
            limits: .init(tokens: limits.maximumTokens, stopTokens: stopTokens), past: past)
        // The end of a text may be written out too, as a stop like the others.
        let end = try tokenizer.eosTokens.first.map { try tokenizer.piece($0) }
        let limits = WritingLimits(stops: limits.stops + [end].compactMap(\.self), maximumTokens: limits.maximumTokens)
        var (written, pieces) = (WrittenText(), [String]())
        var (detokenizer, watch) = (StreamingDetokenizer(tokenizer), StopWatch(limits.stops))
        while !watch.hasSeen, let choice = try written.next(from: &generation) {
            pieces.append(detokenizer.append(choice.token))
            watch.read(pieces[pieces.count - 1])
        }
        let rest = detokenizer.finish()
        if !pieces.isEmpty { pieces[pieces.count - 1] += rest }
        return Outcome(answer: limits.cut(pieces.joined()), pieces: pieces, written: written)
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
