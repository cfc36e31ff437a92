/// Why a sequence state cannot do what was asked.
public enum StateError: Error, Equatable, CustomStringConvertible {
    case beyondHistory(position: Int, oldest: Int)
    case beyondEnd(position: Int, end: Int)
    case malformed(String)

    public var description: String {
        switch self {
        case .beyondHistory(let position, let oldest):
            "the sequence cannot go back to position \(position): its recurrent layers remember positions from \(oldest)"
        case .beyondEnd(let position, let end):
            "position \(position) lies outside the sequence, which ends at \(end)"
        case .malformed(let reason):
            "the serialized state does not fit: \(reason)"
        }
    }
}
