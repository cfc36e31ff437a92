import Foundation
import TestSupport

/// The built command, run as a user runs it: as a process of its own.
enum Command {
    typealias Outcome = Program.Outcome

    /// Where the command lies: beside the tests that were built with it.
    static let path: String = {
        // On macOS tests are a bundle that another program has loaded; elsewhere they are the program.
        let bundle = Bundle.allBundles.first { $0.bundleURL.pathExtension == "xctest" }
        let tests = bundle?.bundleURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        return tests.deletingLastPathComponent().appendingPathComponent("dynamax").path
    }()

    /// Runs `dynamax` with arguments; standard input is empty unless given.
    static func run(
        _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) async throws -> Outcome {
        try await Program.run(path, arguments, input: input, environment: environment)
    }

    /// Runs a line of shell in which `$dynamax` is the command and `$1` and on are arguments.
    static func shell(_ line: String, _ arguments: [String] = []) async throws -> Outcome {
        try await Program.run("/bin/sh", ["-c", line, "sh"] + arguments, input: "", environment: ["dynamax": path])
    }

    /// Starts a process that can be interrupted.
    static func start(_ process: Process) throws { try Program.start(process) }
}
