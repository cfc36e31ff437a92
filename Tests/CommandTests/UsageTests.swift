import Foundation
import TestSupport
import Testing

// The contract of exit statuses: 0, 1 (failed) and 64 (usage, EX_USAGE of sysexits.h).

@Suite(.mayNotHang) struct UsageTests {
    private static let tiny = ReferenceModel.named("llama-gqa").folder.path
    private static let generate = ["generate", "-m", tiny, "--tokens", "1,2"]
    private static let heads = ["train", "heads", "t.txt", "-m", tiny, "-o", "h.safetensors"]
    private static let quantize = ["quantize", "-m", tiny]
    private static let bench = ["bench", "--random", tiny + "/config.json"]

    @Test(
        "help and version go to standard output",
        arguments: [
            ([], "SUBCOMMANDS"), (["--help"], "SUBCOMMANDS"), (["--version"], "0.1.0"),
            (["help", "bench"], "--random"),
            (["generate", "--help"], "--exit"), (["trace", "--help"], "exit_logits"),
            (["tokenize", "-h"], "--no-special"),
        ])
    func help(_ arguments: [String], _ part: String) async throws {
        let run = try await Command.run(arguments)
        #expect(run.status == 0)
        #expect(run.output.contains(part))
        #expect(run.errors == "")
    }

    private static let senseless: [([String], String)] = [
        (["fly"], "fly"),
        (["generate", "-m", tiny, "--tokens", "1", "hi"], "not both"),
        (["generate", "-m", tiny, "a", "b"], "'b'"),
        (["generate", "-m", tiny, "--tokens", "1,,2"], "1,,2"),
        (["generate", "-m", tiny, "--tokens", ""], "--tokens"),
        (["generate", "-m", tiny, "--tokens", "2147483648"], "2147483648"),
        (generate + ["-n", "-1"], "not -1"),
        (generate + ["-n", "99999999999999999999"], "99999999999999999999"),
        (generate + ["--report", ""], "--report"),
        (generate + ["--temp", "nan"], "temperature"),
        (generate + ["--temp", "-1"], "temperature"),
        (generate + ["--top-k", "-1"], "top-k"),
        (generate + ["--top-p", "2"], "top-p"),
        (generate + ["--min-p", "nan"], "min-p"),
        (generate + ["--seed", "-1"], "--seed"),
        (generate + ["-t", "0"], "1 to 1024"),
        (generate + ["-t", "100000"], "1 to 1024"),
        (generate + ["--quantize", "q3"], "q8"),
        (generate + ["--exit", "nonsense"], "depth:D"),
        (generate + ["--exit", "depth:0"], "depth:D"),
        (generate + ["--exit", "softmax:nan"], "softmax:T"),
        (generate + ["--exit", "softmax:0.5", "--exit-layers", "one"], "--exit-layers"),
        (generate + ["--exit", "depth:1", "--exit-layers", "1"], "--exit-layers"),
        (generate + ["--exit-layers", "1"], "needs --exit"),
        (generate + ["--guarantee", "none"], "needs --exit"),
        (generate + ["--guarantee", "perhaps"], "exact"),
        (generate + ["--guarantee", "none"], "needs --exit"),
        (generate + ["--guarantee", "bounded"], "needs --certificate"),
        (generate + ["--certificate", "c.json", "--exit", "depth:1"], "takes no --exit"),
        (generate + ["--certificate", "c.json", "--guarantee", "none"], "--guarantee bounded"),
        (["calibrate", "p.txt", "-m", tiny, "-o", "c.json", "--delta", "1"], "delta must lie between 0 and 1"),
        (generate + ["--exit", "depth:1", "--drafts", "0"], "--drafts must be 1 to 64"),
        (generate + ["--exit", "depth:1", "--guarantee", "none", "--drafts", "2"], "--guarantee exact"),
        (generate + ["--repetition-penalty", "0"], "the repetition penalty must be above 0"),
        (generate + ["--repetition-penalty", "-1.5"], "the repetition penalty must be above 0"),
        (generate + ["--exit", "depth:1", "--state", "copy"], "--state copy goes with --guarantee none"),
        (generate + ["--exit", "depth:1", "--guarantee", "none", "--state", "evict"], "skip"),
        (["sweep", "p.txt", "-o", "x", "--exit", "softmax,luck"], "not luck"),
        (["sweep", "p.txt", "-o", "x", "--exit", "softmax,"], "heads:FILE"),
        (["sweep", "p.txt", "-o", "x", "--guarantee", "none,none"], "--guarantee"),
        (["sweep", "p.txt", "-o", ""], "--output"),
        (["sweep", "p.txt", "-o", "x", "-n", "1"], "not 1"),
        (["trace", "-m", tiny, "--tokens", "1"], "--output"),
        (["trace", "-m", tiny, "--tokens", "1", "-o", ""], "--output"),
        (["trace", "-m", tiny, "--tokens", "1", "-o", "x", "-n", "-1"], "not -1"),
        (["tokenize", "-m", tiny, "--tokenizer", "x", "hi"], "not both"),
        (heads + ["--cost-weight", "1"], "go with --kind gates"),
        (heads + ["--kind", "gates", "--cost-weight", "nan"], "--cost-weight must be 0 or more"),
        (heads + ["--kind", "gates", "--label", "argmax"], "not for gates"),
        (heads + ["--kind", "gates", "--inference-modules", "some"], "released"),
        (heads + ["--kind", "gates", "--period", "0"], "--period must be 1 or more"),
        (heads + ["--rate", "0"], "--rate must be above 0"),
        (bench + ["-m", tiny], "not both"),
        (quantize, "--output"),
        (["quantize", "-o", "x"], "--model"),
        (quantize + ["-o", ""], "--output"),
        (quantize + ["-o", "x", "--weights", "f32"], "q8 or q4"),
        (quantize + ["-o", "x", "--weights", "int8"], "int8"),
        (quantize + ["-o", "x", "--group", "33"], "multiple of 8"),
        (quantize + ["-o", "x", "--group", "-8"], "multiple of 8"),
        (quantize + ["-o", "x", "-t", "0"], "1 to 1024"),
        (bench + ["-p", "-1"], "-p and -n"),
        (bench + ["-p", "1000000000000"], "-p and -n"),
        (bench + ["-r", "0"], "-r"),
    ]

    @Test("what makes no sense is refused with status 64", arguments: senseless)
    func usage(_ arguments: [String], _ part: String) async throws {
        let run = try await Command.run(arguments)
        #expect(run.status == 64)
        #expect(run.output == "")
        #expect(run.complaint.hasPrefix("Error: ") && run.complaint.contains(part))
    }

    @Test(
        "what the model does not allow is refused with status 1",
        arguments: [
            (["--tokens", "99999"], "token 99999"), (["--tokens", "-5"], "token -5"),
            (["--tokens", "1", "--exit", "depth:99"], "after layer 99"),
            (["--tokens", "1", "--guarantee", "exact"], "the model says nothing about exits"),
            (["--tokens", "1", "--exit", "softmax:0.5", "--exit-layers", "0"], "after layer 0"),
            (
                ["--tokens", "1", "--exit", "depth:1", "--guarantee", "none", "--state", "skip"],
                "the state rule skip is for recurrent layers, and this model has attention layers: choose deferred, project, copy"
            ),
            (["--tokens", Array(repeating: "1", count: 129).joined(separator: ",")], "context of 128"),
        ])
    func unfit(_ options: [String], _ part: String) async throws {
        let run = try await Command.run(["generate", "-m", Self.tiny] + options)
        #expect(run.status == 1)
        #expect(run.output == "")
        #expect(run.complaint.contains(part))
    }

    @Test("an instruction set that is none is refused")
    func instructionSet() async throws {
        let run = try await Command.run(Self.generate, environment: ["DYNAMAX_ISA": "nonsense"])
        #expect(run.status == 1)
        #expect(run.complaint.contains("DYNAMAX_ISA"))
    }
}
