import DynamaxTensor

/// The part of a tokenizer that turns one word into tokens.
enum TokenModel: Sendable {
    case bytePair(BytePairModel)
    case unigram(UnigramModel)

    /// What is kept from word to word of a text.
    struct Workspace {
        fileprivate var bytePair: BytePairModel.Workspace
        fileprivate var unigram = UnigramModel.Workspace()

        /// - Parameter length: bytes of the whole text.
        init(length: Int) { bytePair = BytePairModel.Workspace(length: length) }
    }

    /// Appends the tokens of a word.
    @inline(__always)
    func encode(_ word: Span<UInt8>, into tokens: inout [Token], _ workspace: inout Workspace) {
        switch self {
        case .bytePair(let model): model.encode(word, into: &tokens, &workspace.bytePair)
        case .unigram(let model): model.encode(word, into: &tokens, &workspace.unigram)
        }
    }
}
