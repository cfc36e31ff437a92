/// All that is known of a run: what statistics and reports are made from.
public struct EvaluationRun: Hashable, Sendable {
    public var manifest: RunManifest
    /// In the order in which they were asked, task by task.
    public var items: [RunItem]
    public var rows: [RunRow]

    /// Takes the parts of a run. Rows may be in any order, and some may be missing.
    public init(manifest: RunManifest, items: [RunItem], rows: [RunRow]) {
        (self.manifest, self.items, self.rows) = (manifest, items, rows)
    }
}
