import DynamaxFormats
import Foundation
import TestSupport
import Testing

// Oracle of interrupted runs: one that nothing disturbed. Figures and texts are checked with the library.

@Suite(.mayNotHang, .serialized) struct EvaluateTests {
    /// A folder with data of three tasks, and runs in it.
    private struct Runs {
        private let folder: TemporaryFolder
        var path: String { folder.path }

        init(items: Int = 24) throws {
            folder = try TemporaryFolder()
            let names = ["Lily", "Tom", "the cat", "a little dog", "Mom"]
            let numbered = (0..<items).map { "\(names[$0 % 5]) and \(names[$0 / 5 % 5]) number \($0)" }
            try folder.write(
                "data/arc_easy.jsonl",
                numbered.map {
                    #"{"query":"Question: Who is \#($0)?\nAnswer:","choices":["\#($0)","a bird","a tree in the park"],"gold":0}"#
                        + "\n"
                }
                .joined())
            try folder.write(
                "data/triviaqa_dev.jsonl",
                numbered.map { #"{"question":"Who is \#($0)","answers":["Lily"]}"# + "\n" }.joined())
            try folder.write("data/perplexity.txt", String(repeating: "Once upon a time there was a cat. ", count: 60))
        }

        func arguments(_ run: String, _ more: [String] = []) -> [String] {
            [
                "evaluate", "--tasks", "arc_easy,triviaqa,perplexity", "--data", path + "/data", "--policies",
                "softmax:0.5", "exact:depth:4:drafts=3", "-o", "\(path)/\(run)", "-t", "1", "--batch", "5",
            ] + more
        }

        func evaluate(_ run: String, _ more: [String] = []) async throws -> Command.Outcome {
            try await Command.run(arguments(run, more))
        }

        /// The rows of a run, sorted, without what the clock said.
        func rows(_ run: String) throws -> [String] {
            try String(contentsOfFile: "\(path)/\(run)/rows.jsonl", encoding: .utf8).split(separator: "\n").map {
                String($0.replacing(/,"seconds":[^}]*/, with: ""))
            }.sorted()
        }

        /// What results.json says, without what the clock said; and what was asked.
        func figures(_ run: String) throws -> [String] {
            let timed = /"(tokens_per_second|speed|speed_low|speed_high)":[^,}]*/
            return try ["results.json", "run.json", "items.jsonl"].map { name in
                try String(contentsOfFile: "\(path)/\(run)/\(name)", encoding: .utf8).replacing(timed, with: "")
            }
        }

        /// Starts a run and kills it, as nothing can prevent, when it has written so many rows, or after some time more.
        func kill(_ run: String, rows: Int, pause: Duration) throws -> Bool {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: Command.path)
            process.arguments = arguments(run)
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try Command.start(process)
            func count() -> Int {
                let file = FileManager.default.contents(atPath: "\(path)/\(run)/rows.jsonl")
                return file?.count { $0 == UInt8(ascii: "\n") } ?? 0
            }
            // Not by suspending: where other tests hold the threads, a run would be over before it is looked at again.
            while process.isRunning, count() < rows { usleep(200) }
            usleep(UInt32(pause / .microseconds(1)))
            Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            return process.terminationReason == .uncaughtSignal
        }
    }

    @Test("a run that is killed again and again ends as if nothing had happened")
    func killed() async throws {
        let runs = try Runs()
        let whole = try await runs.evaluate("whole")
        #expect(whole.status == 0, "\(whole.errors)")
        let expected = try runs.rows("whole")
        #expect(expected.count == 3 * (24 + 24 + 1))
        var random = SystemRandomNumberGenerator()
        var kills = 0
        for part in 1...6 {
            let rows = Int.random(in: part * 15..<part * 15 + 15, using: &random)
            let pause = Duration.microseconds(Int.random(in: 0...4000, using: &random))
            kills += try runs.kill("parts", rows: rows, pause: pause) ? 1 : 0
            if part % 2 == 0 {
                // What a write may leave that a kill has cut short.
                let file = try #require(FileHandle(forWritingAtPath: "\(runs.path)/parts/rows.jsonl"))
                try file.seekToEnd()
                try file.write(contentsOf: Data(expected[0].utf8.prefix(part * 7)))
                try file.close()
            }
        }
        #expect(kills >= 3)
        let rest = try await runs.evaluate("parts")
        #expect(rest.status == 0, "\(rest.errors)")
        #expect(rest.errors.contains("are there already"))
        #expect(try runs.rows("parts") == expected)
        #expect(try runs.figures("parts") == runs.figures("whole"))
        let page = try String(contentsOfFile: "\(runs.path)/parts/report.html", encoding: .utf8)
        #expect(page.hasSuffix("</html>\n") && !page.contains("not complete"))
    }

    @Test("a file that can grow no more is an error, and the run goes on where there is room again")
    func full() async throws {
        let runs = try Runs(items: 6)
        #expect(try await runs.evaluate("whole").status == 0)
        // Blocks of 512 bytes: less than the rows take, more than all else.
        let line = #"trap '' XFSZ; ulimit -f 40; "$dynamax" "$@""#
        let cut = try await Command.shell(line, runs.arguments("parts"))
        #expect(cut.status == 1, "\(cut.errors)")
        let complaint = cut.errors.split(separator: "\n").last ?? ""
        #expect(complaint.contains("parts/rows.jsonl: the line cannot be written"), "\(cut.errors)")
        #expect(try await runs.evaluate("parts").status == 0)
        #expect(try runs.rows("parts") == runs.rows("whole"))
        #expect(try runs.figures("parts") == runs.figures("whole"))
    }

    @Test("two runs compare, and one with itself")
    func compare() async throws {
        let runs = try Runs(items: 6)
        #expect(try await runs.evaluate("a").status == 0)
        let json = try await runs.evaluate("b", ["--json", "--limit", "4", "--max-length", "400"])
        #expect(json.status == 0)
        let results = try #require(json.object()["results"] as? [[String: Any]])
        #expect(results.count == 9 && results.allSatisfy { $0["layers"] is NSNumber && $0["agreement"] is NSNumber })
        let (a, b) = ("\(runs.path)/a", "\(runs.path)/b")
        let same = try await Command.run(["compare", a, b])
        #expect(same.status == 0, "\(same.errors)")
        #expect(
            same.output.contains("arc_easy") && same.output.contains("token F1")
                && same.output.contains("0.0000 to 0.0000"))
        let policies = try await Command.run(["compare", a, a, "--policy", "off", "softmax:0.5", "--json"])
        #expect(policies.status == 0 && policies.output.contains(#""first_divergence""#))
        let unknown = try await Command.run(["compare", a, b, "--policy", "margin:1"])
        #expect(
            unknown.status == 1 && unknown.complaint.contains("the run has no policy margin:1, only off, softmax:0.5"))
        let missing = try await Command.run(["compare", a, runs.path])
        #expect(missing.status == 1 && missing.complaint.contains("run.json"))
    }

    @Test("what is wrong is said in one sentence, before anything is run")
    func refusals() async throws {
        let runs = try Runs(items: 2)
        let folder = try TemporaryFolder()
        let broken = try folder.write(
            "broken.jsonl", "{\"query\": \"a\", \"choices\": [\"b\"], \"gold\": 0}\n{\"query\": \"a\"}\n")
        let empty = try folder.write("empty.jsonl", "")
        let long = try folder.write(
            "arc_easy.jsonl",
            "{\"query\": \"a\", \"choices\": [\"\(String(repeating: "b ", count: 2000))\"], \"gold\": 0}\n")
        let output = folder.path + "/out"
        let cases: [([String], String)] = [
            (["--tasks", "arc_eas"], "there is no task arc_eas; did you mean arc_easy?"),
            (["--tasks", "arc_easy", "--data", broken], "broken.jsonl, line 2"),
            (["--tasks", "arc_easy", "--data", empty], "empty"),
            (["--tasks", "piqa", "--data", runs.path + "/data"], "--data piqa=FILE names one"),
            (["--tasks", "arc_easy", "--data", folder.path + "/none"], "there is no such file or folder of data"),
            (["--tasks", "arc_easy", "--data", long], "item 0 of arc_easy: the text that is asked about has"),
            (
                ["--tasks", "triviaqa", "--data", runs.path + "/data", "--max-length", "20"],
                "leaves no room for its question"
            ),
            (
                ["--tasks", "arc_easy", "--data", runs.path + "/data", "--policies", "soft:1"],
                "the exit soft:1 must be"
            ),
            (["--tasks", "arc_easy", "--data", runs.path + "/data", "--policies", "depth:99"], "after layer 99"),
            (
                ["--tasks", "arc_easy", "--data", runs.path + "/data", "--policies", "softmax:0.5:state=skip"],
                "the state rule skip"
            ),
            (
                ["--tasks", "arc_easy", "--data", runs.path + "/data", "--policies", "bounded:\(folder.path)/none"],
                "none"
            ),
            (
                ["--tasks", "arc_easy", "--data", runs.path + "/data", "--policies", "heads:\(folder.path)/none"],
                "none"
            ),
        ]
        for (arguments, part) in cases {
            let run = try await Command.run(["evaluate", "-o", output, "-t", "1"] + arguments)
            #expect(run.status == 1 && run.output == "" && run.complaint.contains(part), "\(run.errors)")
            #expect(!FileManager.default.fileExists(atPath: output))
        }
        #expect(try await Command.run(["evaluate", "--tasks", "arc_easy"]).status == 64)
        #expect(try await Command.run(["evaluate", "-o", output]).status == 64)
        let list = try await Command.run(["evaluate", "--list"])
        #expect(list.status == 0 && list.output.contains("truthfulqa_gen"))

        #expect(try await runs.evaluate("run").status == 0)
        let other = try await runs.evaluate("run", ["--limit", "1"])
        #expect(other.status == 1 && other.complaint.contains("the folder holds a run of arc_easy with other options"))
        #expect(try await runs.evaluate("run", ["--limit", "1", "--force"]).status == 0)
        #expect(try runs.rows("run").count == 9)
    }
}
