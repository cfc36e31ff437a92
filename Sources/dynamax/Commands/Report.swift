import ArgumentParser
import DynamaxEvaluation
import DynamaxFormats

struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes the report of a run of evaluate anew.",
        discussion: """
            The folder gets report.html, one page that loads nothing, results.csv and results.json, as evaluate leaves them. The run may \
            still be going on.
            """)

    @Argument(help: "The folder of a run.")
    var folder: String

    @Option(help: "Items of each task whose answers the page shows at most.")
    var examples = 200

    func validate() throws {
        guard (0...100_000).contains(examples) else {
            throw ValidationError("--examples must be 0 to 100000, not \(examples)")
        }
    }

    func run() throws {
        try RunReport(EvaluationRun(contentsOf: folder), examples: examples).write(to: folder)
        note("\(folder)/report.html has the report")
    }
}
