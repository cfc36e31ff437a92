import DynamaxFormats
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracle: transformers in f32, through the answers beside each reference checkpoint.

@Suite(.mayNotHang) struct TraceTests {
    @Test("a trace holds transformers' rows and logits", arguments: ReferenceModel.all)
    func matchesReference(_ reference: ReferenceModel) async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/trace.safetensors"
        let expected = try reference.expected()
        let tokens = try reference.tokens().map(String.init).joined(separator: ",")
        let run = try await Command.run(["trace", "-m", reference.folder.path, "--tokens", tokens, "--output", path])
        #expect(run.status == 0)
        #expect(run.output == "" && run.errors == "")

        let trace = try SafetensorsFile(path)
        #expect(trace.tensorNames.sorted() == ["exit_logits", "greedy", "hidden", "logits", "tokens"])
        for name in ["hidden", "logits", "exit_logits"] {
            let tensor = try trace.require(name)
            let other = try expected.require(name)
            #expect(tensor.type == .f32)
            #expect(tensor.shape == other.shape)
            #expect(relativeError(try tensor.floats(), try other.floats()) < 1e-3, "\(name)")
        }
        #expect(try trace.require("tokens").type == .i32)
        #expect(try trace.require("tokens").integers() == expected.require("tokens").integers())
        let greedy = try expected.require("greedy").integers()
        #expect(try trace.require("greedy").integers() == Array(greedy.prefix(32)))
    }

    /// Models as options. Those of 4 bits are packed copies: `--quantize q4` would hold so short rows in 8.
    static let models =
        ["llama-gqa", "mamba2"].flatMap { name in
            ["f32", "bf16", "q8"].map { ["-m", ReferenceModel.named(name).folder.path, "--quantize", $0] }
        } + ["llama-tied-q4", "mamba2-groups-q4"].map { ["-m", Fixtures.url("packed/\($0)").path] }

    @Test("the file is the same, to the bit, at any instruction set and number of threads", arguments: models)
    func sameBits(_ model: [String]) async throws {
        let folder = try TemporaryFolder()
        func trace(_ set: Device.InstructionSet, threads: Int) async throws -> Data {
            let path = "\(folder.path)/\(set)-\(threads)"
            let run = try await Command.run(
                [
                    "trace", "--tokens", "1,5,9,11,60,33,7", "-t", "\(threads)", "-o", path,
                ] + model,
                environment: ["DYNAMAX_ISA": "\(set)"])
            #expect(run.status == 0)
            return try Data(contentsOf: URL(fileURLWithPath: path))
        }
        let plain = try await trace(.scalar, threads: 1)
        for set in Device.InstructionSet.allCases where set.isAvailable {
            #expect(try await trace(set, threads: 3) == plain, "\(set)")
        }
    }

    @Test("a file that was there stays where the new one cannot be written")
    func keepsOldFile() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("trace.safetensors", "old")
        let model = ReferenceModel.named("llama-gqa").folder.path
        let run = try await Command.run(["trace", "-m", model, "--tokens", "99999", "-o", path])
        #expect(run.status == 1)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
    }

    @Test(
        "an output that cannot be written is refused",
        arguments: [
            ("/dev/full", "the disk is full"), ("/", "found a folder"), ("/nonexistent/trace", "its folder is missing"),
        ])
    func unwritable(_ output: String, _ problem: String) async throws {
        let model = ReferenceModel.named("llama-gqa").folder.path
        let run = try await Command.run(["trace", "-m", model, "--tokens", "1,2", "-o", output])
        #expect(run.status == 1)
        #expect(run.complaint.contains(output) && run.complaint.contains(problem))
    }
}
