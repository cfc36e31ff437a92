import ArgumentParser
import DynamaxBundledModels
import DynamaxFormats

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what a model's files hold, without loading it.")

    @Argument(help: "A model, as for generate.")
    var model = BundledModel.standard.rawValue

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(help: "List each tensor.")
    var tensors = false

    func run() throws {
        let report = try InspectionReport(CheckpointFiles(named: model), listsTensors: tensors)
        json ? try printJSON(report) : try write(report.text + "\n")
    }
}
