// Oracle: the C library, whose allocations are counted. Decoding asks it for nothing: a token takes the memory of the one before.
import Foundation
import TestSupport
import Testing

#if os(Linux) && !DEBUG
    @Suite(.mayNotHang) struct AllocationTests {
        private static let models = ["stories-llama", "stories-mamba2"]

        /// Allocations of tokens 20 to 39 of a text, in a process that does nothing else.
        private func allocations(_ model: String, _ way: String) async throws -> Int {
            let program = URL(fileURLWithPath: Command.path).deletingLastPathComponent()
                .appendingPathComponent("AllocationCounter").path
            let run = try await Program.run(program, [model, way])
            return try #require(Int(run.output.dropLast()), "\(run.output)\(run.errors)")
        }

        @Test("a decoded token allocates nothing", arguments: models)
        func greedy(model: String) async throws {
            #expect(try await allocations(model, "greedy") == 0)
        }

        // Candidates and the past of drafts are arrays: few, and no more of them in long texts than in short ones.
        @Test("a sampled or drafted token allocates little", arguments: models)
        func other(model: String) async throws {
            #expect(try await allocations(model, "sampled") <= 20 * 8)
            #expect(try await allocations(model, "drafted") <= 20 * 20)
        }
    }
#endif
