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
