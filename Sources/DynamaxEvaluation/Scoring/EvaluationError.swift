public import DynamaxTensor

/// Why a run cannot be made.
public enum EvaluationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A tokenizer without a token that begins or ends texts.
    case noPrefix(String)
    /// A text that is asked about, longer than the model's context.
    case tooLong(tokens: Int, limit: Int)
    /// An answer that may be as long as the model's context, which leaves nothing for the question.
    case noRoom(tokens: Int, limit: Int)
    /// A tokenizer that knows more tokens than the model.
    case unknownToken(Token, vocabulary: Int)
    /// Something about one item.
    indirect case item(String, task: String, String)
    /// A certificate that is not for texts so long.
    case certificate(String, tokens: Int, task: String, wanted: Int)
    /// A policy that is not spelled as one.
    case policy(String)

    public var description: String {
        switch self {
        case .noPrefix(let file):
            "\(file): the tokenizer has no token that begins or ends a text, which tasks need"
        case .tooLong(let tokens, let limit):
            "the text that is asked about has \(tokens) tokens, more than the \(limit) that the model takes"
        case .noRoom(let tokens, let limit):
            "an answer of up to \(tokens) tokens leaves no room for its question in the \(limit) that the model takes"
        case .unknownToken(let token, let vocabulary):
            "the tokenizer's token \(token) is outside the model's vocabulary of \(vocabulary)"
        case .item(let id, let task, let problem):
            "item \(id) of \(task): \(problem)"
        case .certificate(let file, let tokens, let task, let wanted):
            "\(file): the certificate is for texts of at most \(tokens) tokens, and \(task) asks for up to \(wanted)"
        case .policy(let text):
            "the policy \(text) must be off, bounded:FILE or [exact:|none:]EXIT, with an EXIT as --exit of generate takes it, "
                + "and perhaps :layers=3,4, :state=RULE (none) or :drafts=N (exact) at the end"
        }
    }
}
