import DynamaxFormats
public import DynamaxText
import Foundation

/// The corpora of a configuration, built where they are not yet.
public struct PreparedData {
    /// What is learned from.
    public let train: [WeightedCorpus]
    /// What is held out, with a name for each.
    public let validation: [(name: String, corpus: TokenCorpus)]
    /// The tokenizer that made the tokens.
    public let tokenizer: Tokenizer

    /// Opens or builds all corpora.
    ///
    /// - Parameter progress: called with a line to show before a corpus is built.
    public init(
        _ configuration: TrainingConfiguration, _ tokenizer: Tokenizer, progress: (String) -> Void = { _ in }
    ) throws {
        self.tokenizer = tokenizer
        let builder = try TokenCorpusBuilder(tokenizer)
        let folder = configuration.data.folder
        train = try configuration.data.train.map { source in
            WeightedCorpus(
                try builder.corpus(of: source.documents, in: folder, progress: progress), weight: source.weight)
        }
        var names: [String: Int] = [:]
        validation = try configuration.data.validation.map { source in
            let file = (source.documents.path as NSString).lastPathComponent
            let stem = (file as NSString).deletingPathExtension
            names[stem, default: 0] += 1
            let count = names[stem] ?? 1
            return (
                count > 1 ? "\(stem) \(count)" : stem,
                try builder.corpus(of: source.documents, in: folder, progress: progress)
            )
        }
    }
}
