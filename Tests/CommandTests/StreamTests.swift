import Foundation
import TestSupport
import Testing

// Oracle: what a shell and its tools expect of a command whose input or output is not as it should be (POSIX).

@Suite(.mayNotHang) struct StreamTests {
    private static let tiny = ReferenceModel.named("llama-gqa").folder.path

    @Test(
        "output that cannot be written is a failure, not a loss",
        arguments: [
            "generate -m $1 --tokens 1,2 -n 3", "generate -m $1 --tokens 1,2 -n 3 --json", "inspect $1",
            "inspect $1 --json",
            "bench -m $1 -p 2 -n 0 -r 1",
        ])
    func full(_ line: String) async throws {
        for target in ["> /dev/full", ">&-"] {
            let run = try await Command.shell("\"$dynamax\" \(line) \(target)", [Self.tiny])
            #expect(run.status == 1)
            #expect(run.errors.hasPrefix("Error: standard output cannot be written: "))
            #expect(run.errors.split(separator: "\n").count == 1)
        }
    }

    @Test("a reader that goes away ends the command quietly")
    func brokenPipe() async throws {
        // 13 is SIGPIPE, of which shells make 128 + 13.
        let line = "{ \"$dynamax\" inspect --tensors $1; echo $? >&2; } | true"
        let run = try await Command.shell(line, [Self.tiny])
        #expect(["0\n", "141\n"].contains(run.errors))
        // Where SIGPIPE is ignored, writing fails instead.
        let ignoring = try await Command.shell(
            "trap '' PIPE; { sleep 0.2; \"$dynamax\" inspect --tensors $1; } | true", [Self.tiny])
        #expect(ignoring.errors == "Error: standard output cannot be written: Broken pipe\n")
    }

    @Test("standard error that cannot be written stops nothing")
    func fullErrors() async throws {
        let run = try await Command.shell(
            "\"$dynamax\" generate -m $1 --tokens 1,2 -n 3 --verbose 2> /dev/full", [Self.tiny])
        #expect(run.status == 0)
        #expect(run.output.split(separator: " ").count == 3)
    }

    @Test("arguments that are not UTF-8 are refused", arguments: ["generate -m $1", "tokenize -m $1", "inspect"])
    func arguments(_ line: String) async throws {
        let run = try await Command.shell("\"$dynamax\" \(line) \"$(printf 'Once \\377')\"", [Self.tiny])
        #expect(run.status == 64)
        #expect(run.output == "")
        #expect(run.complaint.contains("is not text in UTF-8"))
    }

    @Test(
        "standard input that cannot be read is refused", .enabled(if: StoryModel.isThere),
        arguments: [
            ("printf 'Once \\377' |", "", "is not text in UTF-8"), ("", "< /", "Is a directory"),
            ("", "<&-", "Bad file descriptor"),
        ])
    func standardInput(_ before: String, _ after: String, _ problem: String) async throws {
        for command in ["generate", "tokenize"] {
            let run = try await Command.shell("\(before) \"$dynamax\" \(command) -m $1 \(after)", [StoryModel.folder])
            #expect(run.status == 1)
            #expect(run.output == "")
            #expect(run.complaint.contains("standard input") && run.complaint.contains(problem))
        }
    }

    @Test("an empty prompt is the beginning of a text", .enabled(if: StoryModel.isThere))
    func empty() async throws {
        let given = try await Command.run(["generate", "-m", StoryModel.folder, "", "-n", "10"])
        let read = try await Command.run(["generate", "-m", StoryModel.folder, "-n", "10"], input: "")
        #expect(given.status == 0 && read.status == 0)
        #expect(given.output == read.output && given.output.count > 10)
    }

    @Test("control-C ends the command at once")
    func interrupt() async throws {
        // Shells let what runs in the background ignore interrupts, so a quit asked from the terminal stands for both.
        let run = try await Command.shell(
            "\"$dynamax\" bench -m $1 -r 1000000 & sleep 0.5; kill -TERM $!; wait $!; echo $?", [Self.tiny])
        #expect(run.output.hasSuffix("143\n"))
    }
}
