public import DynamaxDepth
public import DynamaxModels

/// How a decoder treats the layers above an exit.
public enum DecodingWay: Hashable, Sendable {
    /// There are no exits.
    case full
    /// The other layers verify what exits propose.
    case verified
    /// Exits decide, and the states above follow a rule.
    case exits(StateRule)

    /// The way of a decoder.
    public init(_ decoder: any Decoder) {
        self =
            switch decoder {
            case is SelfSpeculativeDecoder: .verified
            case let exits as EarlyExitDecoder: .exits(exits.rule)
            default: .full
            }
    }
}

/// What became of the states of a token's own position in the layers that it did not run through when it was read.
public enum StateFate: Hashable, Sendable {
    /// It ran through all layers at once.
    case complete
    /// It ran through the others within the same decision, where its draft was verified.
    case verified
    /// It waited, and ran through the last of the others together with the position of the token with this number.
    case caughtUp(with: Int)
    /// It still waits after this layer at the end of the text.
    case waits(layer: Int)
    /// It never ran through the others; their states were moved otherwise.
    case moved(StateRule)
    /// The text ended before it was read.
    case unread

    /// The fates of the positions of all tokens of a text, by the layers after which the tokens were decided.
    ///
    /// The row of a token is what decides the token after it.
    package static func all(_ layers: [Int], of count: Int, _ way: DecodingWay) -> [StateFate] {
        var fates = Array(repeating: StateFate.unread, count: layers.count)
        // From the end: the deepest that later rows go, and which of them is the next to reach the top.
        var (deepest, top) = (0, Int?.none)
        for token in layers.indices.dropLast().reversed() {
            let depth = layers[token + 1]
            deepest = max(deepest, depth)
            switch way {
            case _ where depth == count:
                fates[token] = .complete
                top = token
            case .full, .verified: fates[token] = .verified
            case .exits(.deferred): fates[token] = top.map { .caughtUp(with: $0) } ?? .waits(layer: deepest)
            case .exits(let rule): fates[token] = .moved(rule)
            }
        }
        return fates
    }
}
