public import DynamaxFormats
public import DynamaxModels

/// What `--exit` says: a score, and the file of the heads that give it.
public struct ExitSpecification: Hashable, Sendable {
    public let score: ExitScore
    /// The file of learned heads.
    public let headsFile: String?

    /// Reads `heads:FILE` or `heads:FILE@T`, with a threshold of 0.5 by default, or what `ExitScore` reads.
    public init(_ text: String) throws(ExitError) {
        guard text.hasPrefix("heads:") else {
            score = try ExitScore(text)
            headsFile = nil
            return
        }
        let rest = text.dropFirst("heads:".count)
        if let mark = rest.lastIndex(of: "@"), let threshold = Float(rest[rest.index(after: mark)...]) {
            guard threshold.isFinite else { throw .malformed(text) }
            score = .heads(threshold)
            headsFile = String(rest[..<mark])
        } else {
            score = .heads(0.5)
            headsFile = String(rest)
        }
        guard headsFile?.isEmpty == false else { throw .malformed(text) }
    }
}

extension ExitPolicy {
    /// The exits that a text describes, with their heads.
    ///
    /// - Parameters:
    ///   - layers: nil for those that have heads, or each of the latter half.
    ///   - fingerprint: of the model, which heads have to belong to.
    /// - Throws: `ExitError` or `FormatError` where exits or heads do not fit the model.
    public init(
        _ specification: ExitSpecification, after layers: [Int]? = nil, pacing: Pacing = Pacing(),
        of stack: any LayerStack, fingerprint: () throws(FormatError) -> String
    ) throws {
        let heads = try specification.headsFile.map { path in
            let heads = try ExitHeads(contentsOf: path, on: stack.device)
            try heads.check(fingerprint: fingerprint(), stack, path: path)
            return heads
        }
        try self.init(specification.score, heads: heads, after: layers, pacing: pacing, of: stack.layerCount)
    }
}
