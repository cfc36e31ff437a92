public import Foundation

/// Programs, run as processes of their own.
public enum Program {
    /// What a run left behind.
    public struct Outcome: Sendable {
        /// The exit status, or minus the number of the signal that ended the process.
        public let status: Int32
        public let output: String
        public let errors: String

        /// The first line on standard error.
        public var complaint: String { errors.split(separator: "\n").first.map(String.init) ?? "" }

        /// The JSON object on standard output.
        public func object() throws -> [String: Any] {
            let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
            return object as? [String: Any] ?? [:]
        }
    }

    /// Runs a program.
    public static func run(
        _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) async throws -> Outcome {
        // Files, unlike pipes, cannot fill up and keep the process waiting.
        let folder = try TemporaryFolder()
        let output = try folder.write("output", "")
        let errors = try folder.write("errors", "")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let files = [
            FileHandle(forReadingAtPath: try folder.write("input", input)), FileHandle(forWritingAtPath: output),
            FileHandle(forWritingAtPath: errors),
        ]
        (process.standardInput, process.standardOutput, process.standardError) = (files[0], files[1], files[2])
        // Processes hold on to their files, and Foundation reads beyond a buffer where there are more than 1360 (swift-corelibs-
        // foundation, Process.run, which lists what is open).
        defer { for file in files { try? file?.close() } }
        let status = try await finish(process)
        return Outcome(
            status: status, output: try String(contentsOfFile: output, encoding: .utf8),
            errors: try String(contentsOfFile: errors, encoding: .utf8))
    }

    /// Runs a process to its end, or ends it when the test is cancelled: when its time is over.
    public static func finish(_ process: Process) async throws -> Int32 {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                process.terminationHandler = { ended in
                    let wasSignal = ended.terminationReason == .uncaughtSignal
                    continuation.resume(returning: wasSignal ? -ended.terminationStatus : ended.terminationStatus)
                }
                do { try start(process) } catch { continuation.resume(throwing: error) }
            }
        } onCancel: {
            kill(process.processIdentifier, SIGKILL)
        }
    }

    /// Starts a process that can be interrupted: threads of tests block signals, and processes would inherit that.
    public static func start(_ process: Process) throws {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }
}
