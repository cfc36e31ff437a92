/// One question of a task: what a model is asked, and how its answer is scored.
public struct TaskItem: Sendable {
    /// The document's number in its file, from 0, as the harness counts; `12/3` for the fourth turn of the thirteenth.
    public let id: String
    /// What is asked.
    public let request: TaskRequest
    /// Answers that count as right, for a reader; empty where there are none.
    public let references: [String]
    /// Items of one group (the turns of one conversation) are not independent of each other; resample groups, not items.
    public let group: String
    private let scoring: Scoring

    private enum Scoring: Sendable {
        case logLikelihoods(@Sendable ([LogLikelihood]) -> [Score])
        case text(@Sendable (String) -> [Score])
    }

    /// An item that compares log-likelihoods.
    ///
    /// - Parameter score: told of one log-likelihood for each choice, in their order.
    public init(
        id: String, choices: [Continuation], references: [String], group: String? = nil,
        score: @escaping @Sendable ([LogLikelihood]) -> [Score]
    ) {
        self.id = id
        self.group = group ?? id
        self.references = references
        request = .choices(choices)
        scoring = .logLikelihoods(score)
    }

    /// An item that scores written text.
    ///
    /// - Parameter score: told of the text before the first stop.
    public init(
        id: String, context: String, limits: WritingLimits, references: [String], group: String? = nil,
        score: @escaping @Sendable (String) -> [Score]
    ) {
        self.id = id
        self.group = group ?? id
        self.references = references
        request = .generation(context: context, limits: limits)
        scoring = .text(score)
    }

    /// An item that asks how likely a text is.
    public init(id: String, text: String, score: @escaping @Sendable (LogLikelihood) -> [Score]) {
        self.id = id
        group = id
        references = []
        request = .text(text)
        scoring = .logLikelihoods { $0.first.map(score) ?? [] }
    }

    /// The scores of an answer, one for each metric of the task.
    ///
    /// - Throws: `TaskError` where the answer does not fit the request.
    public func score(_ response: TaskResponse) throws(TaskError) -> [Score] {
        switch (scoring, response) {
        case (.logLikelihoods(let score), .logLikelihoods(let values)):
            guard values.count == request.continuations else { throw .response(item: id) }
            return score(values)
        case (.text(let score), .text(let text)):
            return score(text)
        default:
            throw .response(item: id)
        }
    }
}

/// What a model is asked.
public enum TaskRequest: Hashable, Sendable {
    /// The log-likelihood of each continuation after its context.
    case choices([Continuation])
    /// A text written greedily after a context.
    case generation(context: String, limits: WritingLimits)
    /// The log-likelihood of a whole text, of any length, read in windows that do not overlap ("rolling").
    case text(String)

    /// Log-likelihoods that an answer holds.
    var continuations: Int {
        switch self {
        case .choices(let choices): choices.count
        case .generation: 0
        case .text: 1
        }
    }
}

/// A text whose log-likelihood after a context is asked for.
///
/// White space between the two belongs to the text. An empty context stands for the token that begins a text.
public struct Continuation: Hashable, Sendable {
    public let context: String
    public let text: String

    /// Takes a context and what follows it.
    public init(_ text: String, after context: String) {
        (self.context, self.text) = (context, text)
    }
}

/// Where written text ends.
public struct WritingLimits: Hashable, Sendable {
    /// The text ends before the first of these; the model's end of text counts too.
    public let stops: [String]
    public let maximumTokens: Int

    /// Takes stops, and the most tokens, which are lm-evaluation-harness's 256 unless a task says otherwise.
    public init(stops: [String], maximumTokens: Int = 256) {
        (self.stops, self.maximumTokens) = (stops, maximumTokens)
    }

    /// The part of a text before the first stop.
    public func cut(_ text: String) -> String {
        var bytes = Array(text.utf8)[...]
        for stop in stops where !stop.isEmpty {
            if let found = bytes.firstRange(of: Array(stop.utf8)) { bytes = bytes[..<found.lowerBound] }
        }
        return bytes.count == text.utf8.count ? text : String(decoding: bytes, as: UTF8.self)
    }
}

/// What a model answered.
public enum TaskResponse: Sendable {
    /// One for each choice, or one for a whole text.
    case logLikelihoods([LogLikelihood])
    /// Written text, before the first stop.
    case text(String)
}

/// How likely a model finds a text.
public struct LogLikelihood: Hashable, Sendable {
    /// The sum over its tokens of their natural logarithms of probability.
    public let sum: Double
    /// Whether each of its tokens is the likeliest one.
    public let isGreedy: Bool

    /// Takes a sum and whether greedy decoding would write the same.
    public init(sum: Double, isGreedy: Bool) {
        (self.sum, self.isGreedy) = (sum, isGreedy)
    }
}

/// What one item adds to a metric.
public struct Score: Hashable, Sendable {
    /// The key of the metric.
    public let metric: String
    public let value: Double
    /// What the value is divided by, where the metric is a ratio of sums (words of a text); else 1.
    public let weight: Double

    /// Takes a metric's key and a value.
    public init(_ metric: String, _ value: Double, weight: Double = 1) {
        (self.metric, self.value, self.weight) = (metric, value, weight)
    }
}
