import ArgumentParser

@main
struct Dynamax: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dynamax",
        abstract: "Runs language models with only as much compute as each input needs.",
        version: "0.1.0",
        subcommands: [
            Generate.self, Inspect.self, Trace.self, Tokenize.self, Bench.self, Train.self, Calibrate.self,
            Quantize.self, Sweep.self, Evaluate.self, Compare.self, Report.self,
        ])

    static func main() {
        // Swift mends arguments that are not UTF-8 without a word, and a prompt or path must not change so.
        for index in 1..<max(Int(CommandLine.argc), 1) {
            guard let bytes = CommandLine.unsafeArgv[index], String(validatingCString: bytes) != nil else {
                exit(withError: ValidationError("argument \(index) is not text in UTF-8"))
            }
        }
        main(nil)
    }
}
