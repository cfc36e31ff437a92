import Foundation
import TestSupport
import Testing

// Oracle: Foundation's reader of JSON. What the files say is checked with the library.

@Suite(.mayNotHang) struct ReportTests {
    @Test("evaluate leaves a report, and report writes it anew")
    func report() async throws {
        let folder = try TemporaryFolder()
        let lines = (0..<8).map {
            #"{"query":"Question: What is \#($0) </script>?\nAnswer:","choices":["a bird","a tree"],"gold":0}"# + "\n"
        }
        try folder.write("arc_easy.jsonl", lines.joined())
        let run = "\(folder.path)/run"
        let evaluated = try await Command.run([
            "evaluate", "--tasks", "arc_easy", "--data", folder.path, "--policies", "softmax:0.5", "-o", run,
        ])
        #expect(evaluated.status == 0, "\(evaluated.errors)")
        #expect(evaluated.errors.contains("report.html"))
        func files() throws -> [Data] {
            try ["report.html", "results.csv", "results.json"].map {
                try Data(contentsOf: URL(fileURLWithPath: "\(run)/\($0)"))
            }
        }
        let first = try files()
        #expect(String(decoding: first[0], as: UTF8.self).hasPrefix("<!DOCTYPE html>"))
        // Two policies with two metrics each, below the titles.
        #expect(String(decoding: first[1], as: UTF8.self).components(separatedBy: "\r\n").count == 6)
        let object = try #require(JSONSerialization.jsonObject(with: first[2]) as? [String: Any])
        let results = try #require(object["results"] as? [[String: Any]])
        #expect(results.count == 2 && results.allSatisfy { $0["items"] as? Int == 8 })
        #expect(results[1]["multiply_adds_share"] is NSNumber && results[1]["agreement"] is NSNumber)

        let again = try await Command.run(["report", run])
        #expect(again.status == 0 && again.output.isEmpty, "\(again.errors)")
        #expect(try files() == first)
        #expect(try await Command.run(["report", run, "--examples", "2"]).status == 0)
        #expect(try String(decoding: files()[0], as: UTF8.self).contains("Shown are 2 of 8 items of arc_easy"))
        // A run that was cut short has a report as well.
        try FileHandle(forWritingAtPath: "\(run)/rows.jsonl")?.truncate(atOffset: 3000)
        #expect(try await Command.run(["report", run]).status == 0)
        #expect(try String(decoding: files()[0], as: UTF8.self).contains("not complete"))
    }

    @Test("what is no run is refused in a sentence")
    func refused() async throws {
        let folder = try TemporaryFolder()
        let missing = try await Command.run(["report", folder.path])
        #expect(missing.status == 1 && missing.complaint.contains("run.json"))
        #expect(try await Command.run(["report", folder.path, "--examples", "-1"]).status == 64)
    }
}
