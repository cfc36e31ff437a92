import DynamaxFormats
import Foundation
import TestSupport
import Testing

// Oracle: a run that nothing disturbed.

@Suite(.mayNotHang, .serialized) struct InterruptedTrainingTests {
    /// Expects a run to have ended where an undisturbed one did, to the bit.
    private func expectEqual(_ run: TrainingRun, _ name: String, _ whole: String) throws {
        #expect(try run.metrics(name) == run.metrics(whole))
        let folder = "checkpoints/step-00000120"
        for file in ["model.safetensors", "optimizer.safetensors", "config.json", "tokenizer.json"] {
            #expect(try run.bytes("\(name)/\(folder)/\(file)") == run.bytes("\(whole)/\(folder)/\(file)"), "\(file)")
        }
        for link in ["last", "best"] {
            let file = "checkpoints/\(link)/model.safetensors"
            #expect(try run.bytes("\(name)/\(file)") == run.bytes("\(whole)/\(file)"))
        }
    }

    @Test("a run that is killed again and again ends as if nothing had happened", arguments: ["llama", "mamba2"])
    func killed(model: String) async throws {
        let run = try TrainingRun()
        let precision = ["precision": model == "llama" ? #""bf16""# : #""f32""#]
        try run.configure("whole", model: model, precision)
        try run.configure("parts", model: model, precision)
        let whole = try await run.train("whole")
        #expect(whole.status == 0, "\(whole.errors)")
        var random = SystemRandomNumberGenerator()
        var kills = 0
        for part in 0..<5 {
            // Somewhere in a fifth of the run; a line is written for each step.
            let lines = part * 24 + Int.random(in: 1...18, using: &random)
            let pause = Duration.microseconds(Int.random(in: 0...5000, using: &random))
            let wasKilled = try run.kill("parts", pause: pause) {
                let text = try? run.bytes("parts/metrics.jsonl")
                return text?.count { $0 == UInt8(ascii: "\n") } ?? 0 >= lines
            }
            kills += wasKilled ? 1 : 0
        }
        #expect(kills >= 3)
        let rest = try await run.train("parts", "--resume")
        #expect(rest.status == 0, "\(rest.errors)")
        try expectEqual(run, "parts", "whole")
    }

    @Test("a checkpoint that is killed while it is written does no harm")
    func killedWhileWriting() async throws {
        let run = try TrainingRun()
        try run.configure("whole")
        try run.configure("parts")
        #expect(try await run.train("whole").status == 0)
        // The folder of an unfinished checkpoint lives for milliseconds: some attempts come too late.
        var unfinished = 0
        for _ in 0..<20 where unfinished < 3 {
            let before = run.names("parts/checkpoints").filter { $0.hasSuffix(".part") }
            guard
                try run.kill(
                    "parts",
                    when: {
                        run.names("parts/checkpoints").contains { $0.hasSuffix(".part") && !before.contains($0) }
                    })
            else { break }
            unfinished += run.names("parts/checkpoints").contains { $0.hasSuffix(".part") } ? 1 : 0
        }
        #expect(unfinished > 0)
        let rest = try await run.train("parts", "--resume")
        #expect(rest.status == 0, "\(rest.errors)")
        #expect(!run.names("parts/checkpoints").contains { $0.hasSuffix(".part") })
        try expectEqual(run, "parts", "whole")
    }

    @Test("a damaged checkpoint is passed over, and named")
    func damaged() async throws {
        let run = try TrainingRun()
        let changes = ["checkpoints": #"{"every": 40, "keep": 2}"#]
        try run.configure("whole", changes)
        try run.configure("parts", changes)
        #expect(try await run.train("whole").status == 0)
        #expect(try await run.train("parts").status == 0)
        let file = "\(run.path)/parts/checkpoints/step-00000120/model.safetensors"
        var bytes = try run.bytes("parts/checkpoints/step-00000120/model.safetensors")
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))

        let resumed = try await run.train("parts", "--resume")
        #expect(resumed.status == 0)
        #expect(resumed.errors.contains("\(file): the file has changed since it was written\n"))
        #expect(resumed.errors.contains("going on after step 80 with "))
        try expectEqual(run, "parts", "whole")

        for step in ["step-00000080", "step-00000120"] {
            try Data().write(to: URL(fileURLWithPath: "\(run.path)/parts/checkpoints/\(step)/trainer.json"))
        }
        let lost = try await run.train("parts", "--resume")
        #expect(lost.status == 1)
        let complaint = try #require(lost.errors.split(separator: "\n").last)
        #expect(
            complaint.hasSuffix(
                "/parts/checkpoints: none of the checkpoints is as it was written: choose another output to begin anew")
        )
    }

    @Test("a loss that is not a number ends the run, and the last good checkpoint still writes")
    func notANumber() async throws {
        let run = try TrainingRun()
        try run.configure(
            "wild",
            [
                "optimizer": #"{"kind": "sgd", "rate": 1e6, "clip": 1e30}"#, "schedule": #"{"warmup": 120}"#,
                "checkpoints": #"{"every": 1, "keep": 3}"#, "layer_dropout": #"{"maximum": 0}"#,
            ])
        let wild = try await run.train("wild")
        #expect(wild.status == 1)
        let complaint = try #require(wild.errors.split(separator: "\n").last)
        let pattern =
            #/Error: the loss or its gradient at step \d+ is not a number: try a lower learning rate; the last good checkpoint is (.*)/#
        let checkpoint = try #require(try pattern.wholeMatch(in: complaint)?.1)
        let text = try await Command.run(["generate", "-m", String(checkpoint), "The", "-n", "5"])
        #expect(text.status == 0, "\(text.errors)")
    }

    @Test("a checkpoint that holds no numbers is not trained on")
    func poisoned() async throws {
        let run = try TrainingRun()
        try run.configure("first", ["steps": "2"])
        #expect(try await run.train("first").status == 0)
        let file = URL(fileURLWithPath: "\(run.path)/first/checkpoints/last/model.safetensors")
        var bytes = try Data(contentsOf: file)
        bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: withUnsafeBytes(of: Float.nan) { Data($0) })
        try bytes.write(to: file)
        try run.configure("second", ["model": #"{"checkpoint": "first/checkpoints/last"}"#])
        let second = try await run.train("second")
        #expect(second.status == 1)
        #expect(
            second.errors.hasSuffix(
                "Error: the loss or its gradient at step 1 is not a number: try a lower learning rate; "
                    + "there is no good checkpoint\n"))
    }

    /// Whether a small file system can be mounted, in a name space of its own.
    private static let canMount: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "unshare -rm mount -t tmpfs -o size=64k none /mnt"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    @Test(
        "a full disk ends the run, which goes on where there is room", .enabled(if: canMount, "no tmpfs can be mounted")
    )
    func fullDisk() async throws {
        let run = try TrainingRun()
        try run.configure("whole")
        try run.configure("parts", ["checkpoints": #"{"every": 4, "keep": 100}"#])
        #expect(try await run.train("whole").status == 0)
        let full = try await Command.shell(
            """
            mkdir "$1/parts" && unshare -rm sh -c 'mount -t tmpfs -o size=4m none "$1/parts" || exit 2
                "$dynamax" train "$1/parts.json" -t 1; status=$?; mkdir "$1/kept"; cp -a "$1/parts/." "$1/kept"
                exit $status' sh "$1"; status=$?; mv "$1/kept/"* "$1/parts"; exit $status
            """, [run.path])
        #expect(full.status == 1)
        let complaint = try #require(full.errors.split(separator: "\n").last)
        let pattern =
            #/Error: [^:]*: the file cannot be written: the disk is full; the run goes on with --resume from the last good checkpoint, (.*)/#
        let checkpoint = try #require(try pattern.wholeMatch(in: complaint)?.1, "\(complaint)")
        #expect(run.names("parts/checkpoints").allSatisfy { !$0.hasSuffix(".part") })
        let text = try await Command.run(["generate", "-m", String(checkpoint), "The", "-n", "5"])
        #expect(text.status == 0, "\(text.errors)")
        let rest = try await run.train("parts", "--resume")
        #expect(rest.status == 0, "\(rest.errors)")
        try expectEqual(run, "parts", "whole")
    }

    @Test("a file that may not grow ends the run likewise")
    func limitedFiles() async throws {
        let run = try TrainingRun()
        try run.configure("run", ["checkpoints": #"{"every": 10, "keep": 3}"#])
        #expect(try await run.train("run", "--prepare").status == 0)
        // Blocks of 512 bytes: a log of some steps fits, a model does not.
        let limited = try await Command.shell(
            #"trap '' XFSZ; ulimit -f 40; exec "$dynamax" train "$1/run.json" -t 1"#, [run.path])
        #expect(limited.status == 1)
        #expect(limited.errors.hasSuffix("cannot be written: File too large; there is no checkpoint yet\n"))
        #expect(run.names("run/checkpoints") == [])
        let rest = try await run.train("run", "--resume")
        #expect(rest.status == 0, "\(rest.errors)")
    }
}
