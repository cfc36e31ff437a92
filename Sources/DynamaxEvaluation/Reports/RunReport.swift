public import DynamaxFormats

/// What a run found, written beside its rows: report.html for people, results.csv and results.json for programs.
public struct RunReport {
    /// The files, in the order in which they are written.
    public static let names = ["results.json", "results.csv", "report.html"]
    public let statistics: RunStatistics
    /// Items of each task whose answers the page shows.
    public let examples: Int

    /// Takes a run, and how many items of each task are shown at most.
    public init(_ run: EvaluationRun, examples: Int = 200) {
        statistics = RunStatistics(run)
        self.examples = examples
    }

    /// The characters of results.json.
    public var json: String { EvaluationTables(statistics).json }

    /// Writes the files.
    ///
    /// - Throws: `FormatError` where the system refuses.
    public func write(to folder: String) throws(FormatError) {
        let folder = RunFiles(folder).folder
        let tables = EvaluationTables(statistics)
        let texts = [tables.json, tables.csv, EvaluationPage(statistics, examples: examples).text]
        for (name, text) in zip(RunReport.names, texts) {
            try FileOutput.replace("\(folder)/\(name)", with: Array(text.utf8))
        }
    }
}
