import Foundation
import TestSupport
import Testing

// What the documents say, against the code that is compiled and the command that is built.

@Suite(.mayNotHang) struct ReadmeTests {
    private func text(_ path: String) throws -> String {
        let package = Fixtures.url("").deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: package.appendingPathComponent(path), encoding: .utf8)
    }

    /// The lines of code in the Swift blocks of a text, without comments.
    private func code(_ text: String) -> [String] {
        var isCode = false
        return text.split(separator: "\n").compactMap { line in
            if line.hasPrefix("```") {
                isCode = line == "```swift"
                return nil
            }
            let end = line.range(of: "//")?.lowerBound ?? line.endIndex
            let code = line[..<end].trimmingCharacters(in: .whitespaces)
            return isCode && !code.isEmpty ? code : nil
        }
    }

    @Test("the program in the README is the one that is compiled")
    func program() throws {
        #expect(try text("README.md").contains("```swift\n" + text("Snippets/Story.swift") + "```"))
    }

    @Test("the code of the first steps is compiled")
    func firstSteps() throws {
        let compiled = try text("Snippets/Layers.swift")
        let lines = try code(text("Sources/DynamaxModels/DynamaxModels.docc/GettingStarted.md"))
        #expect(lines.count > 10)
        for line in lines where !line.contains("path/to/model") { #expect(compiled.contains(line)) }
    }

    @Test("the options in the README exist")
    func options() async throws {
        var help = ""
        for command in [
            "generate", "inspect", "trace", "tokenize", "bench", "quantize", "calibrate", "sweep", "evaluate",
            "compare", "report", "train model",
            "train tokenizer", "train heads", "train measure",
        ] {
            help += try await Command.run(command.split(separator: " ").map(String.init) + ["--help"]).output
        }
        let options = try text("README.md").matches(of: /--[a-z][a-z-]+/).map { String($0.output) }
        #expect(options.count > 20)
        for option in Set(options) { #expect(help.contains(option), "\(option)") }
    }
}
