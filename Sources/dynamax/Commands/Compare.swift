import ArgumentParser
import DynamaxEvaluation
import DynamaxFormats

struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compares two runs of evaluate, item by item.",
        discussion: """
            Each metric of both runs over the items that both have answered, with the difference, second less first, and its \
            95 % interval (paired bootstrap); for written texts also how far they are apart, word by word. The runs may \
            come from different machines and models; their data have to be the same.
            """)

    @Argument(help: "The folder of a run.")
    var first: String

    @Argument(help: "The folder of the other run, which may be the same.")
    var second: String

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The policy of both runs, or one of each; by default the full model.", valueName: "policies"))
    var policy: [String] = ["off"]

    @Flag(help: "Print one JSON array.")
    var json = false

    func validate() throws {
        guard (1...2).contains(policy.count) else { throw ValidationError("--policy takes one policy or two") }
    }

    func run() throws {
        let comparison = try RunComparison(
            .init(EvaluationRun(contentsOf: first), path: first, policy: policy[0]),
            .init(EvaluationRun(contentsOf: second), path: second, policy: policy[policy.count - 1]))
        try write(json ? "\(comparison.json)\n" : ComparisonTable(comparison).text + "\n")
    }
}
