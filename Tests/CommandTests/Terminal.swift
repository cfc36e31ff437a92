import Foundation
import TestSupport

/// A terminal for the command to write to.
enum Terminal {
    /// What the command writes on standard output when that is a terminal.
    static func output(of arguments: [String], environment: [String: String] = [:]) async throws -> String {
        var (main, terminal) = (Int32(-1), Int32(-1))
        guard openpty(&main, &terminal, nil, nil, nil) == 0 else { throw POSIXError(.ENXIO) }
        let display = FileHandle(fileDescriptor: main, closeOnDealloc: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = arguments
        var variables = ProcessInfo.processInfo.environment
        variables["NO_COLOR"] = nil
        process.environment = variables.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(fileDescriptor: terminal, closeOnDealloc: true)
        _ = try await Program.finish(process)
        // What was written waits in the terminal, which would block on more than that.
        return String(decoding: display.availableData, as: UTF8.self)
    }
}
