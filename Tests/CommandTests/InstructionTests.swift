// Oracle: valgrind, which counts the instructions of a process. A decoded token may take no more than it did when it was last made
// faster: what else happens on the machine does not change the count, as it does a time.
import Foundation
import TestSupport
import Testing

#if os(Linux) && arch(x86_64) && !DEBUG
    @Suite(.mayNotHang) struct InstructionTests {
        private static let tools = ["valgrind", "objcopy"].allSatisfy { tool in
            (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
                FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)")
            }
        }

        /// Instructions of a text of some tokens, with everything that comes before it.
        private func instructions(_ model: String, tokens: Int) async throws -> Int {
            let folder = try TemporaryFolder()
            // Valgrind knows neither AVX-512 nor all that the compiler says to debuggers.
            let run = try await Command.shell(
                """
                objcopy --strip-debug "$dynamax" "$1/dynamax" || exit
                ln -s "$(dirname "$dynamax")/dynamax_DynamaxBundledModels.resources" "$1"
                export DYNAMAX_ISA=avx2
                valgrind --tool=callgrind --callgrind-out-file=/dev/null \\
                    "$1/dynamax" generate -m $2 --tokens 1,2,3 -n $3 -t 1 --guarantee off
                """, [folder.path, model, String(tokens)])
            let line = run.errors.split(separator: "\n").last { $0.contains("Collected :") }
            let count = line?.split(separator: " ").last.flatMap { Int($0) }
            return try #require(count, "\(run.errors)")
        }

        // Measured, and 5 % more.
        @Test(
            "instructions of a token", .enabled(if: tools, "valgrind is missing"),
            arguments: [("stories-llama", 2_750_000), ("stories-mamba2", 2_770_000)])
        func token(model: String, measured: Int) async throws {
            let (few, many) = (8, 24)
            let count = try await instructions(model, tokens: many) - instructions(model, tokens: few)
            #expect(count / (many - few) <= measured * 105 / 100)
        }
    }
#endif
