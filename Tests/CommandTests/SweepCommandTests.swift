import Foundation
import TestSupport
import Testing

// What is checked here is the form of what is written; its figures are checked with the library.

@Suite(.mayNotHang) struct SweepCommandTests {
    @Test("a sweep over three prompts leaves its table, its object and its page")
    func sweep() async throws {
        let folder = try TemporaryFolder()
        let prompts = try folder.write("prompts.txt", "Once upon a time\n\nThe little fox\nTom and Lily\n")
        let arguments = [
            "sweep", prompts, "-o", folder.path + "/out", "--exit", "softmax,margin", "--exit-layers", "4,6", "-n",
            "12",
            "--points", "2", "-r", "1", "-t", "1",
        ]
        let run = try await Command.run(arguments)
        #expect(run.status == 0, "\(run.errors)")
        let rows = run.output.split(separator: "\n")
        // Two fixed depths and two thresholds of two kinds, each with none and exact.
        #expect(rows.count == 1 + 2 * 6 && rows[0].hasPrefix("exit "))
        #expect(run.errors.contains("12/12"))
        let table = try String(contentsOfFile: folder.path + "/out/sweep.csv", encoding: .utf8)
        #expect(table.split(separator: "\r\n").count == 13)
        let page = try String(contentsOfFile: folder.path + "/out/report.html", encoding: .utf8)
        #expect(page.contains("stories-llama") && page.contains("<svg"))
        let again = try await Command.run(arguments)
        #expect(again.status == 1 && again.output == "" && again.complaint.contains("--force"))
        #expect(try await Command.run(arguments + ["--force"]).status == 0)
    }

    @Test("what is wrong is said in one sentence")
    func refusals() async throws {
        let folder = try TemporaryFolder()
        let prompts = try folder.write("prompts.txt", "Once upon a time\n")
        let empty = try folder.write("empty.txt", "\n \n")
        let cases: [([String], String)] = [
            ([empty, "-o", folder.path + "/out"], "there is no prompt"),
            ([folder.path + "/none.txt", "-o", folder.path + "/out"], "cannot be read"),
            ([prompts, "-o", folder.path + "/none/out"], "the folder cannot be made"),
            ([prompts, "-o", prompts], "found a file"),
            ([prompts, "-o", folder.path + "/out", "--exit-layers", "99"], "after layer 99"),
            ([prompts, "-o", folder.path + "/out", "--state", "skip"], "the state rule skip"),
            ([prompts, "-o", folder.path + "/out", "--exit", "heads:\(folder.path)/none"], "none"),
        ]
        for (arguments, part) in cases {
            let run = try await Command.run(["sweep"] + arguments)
            #expect(run.status == 1 && run.output == "" && run.complaint.contains(part), "\(run.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/out"))
        }
    }
}
