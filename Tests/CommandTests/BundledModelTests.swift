import Foundation
import TestSupport
import Testing

// The models that come with the package: found by name wherever the program lies, as long as its resources lie beside it.

@Suite(.mayNotHang) struct BundledModelTests {
    private static let resources = "dynamax_DynamaxBundledModels.resources"

    /// A copy of the program elsewhere, with a tiny model as its resource where that is wanted.
    private func program(with model: String?) async throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        // By a process of its own: those that other tests start now would inherit the file while it is written, and a program that
        // somebody has open for writing cannot be run.
        let copy = try await Command.shell("cp \"$dynamax\" \"$1/dynamax\"", [folder.path])
        #expect(copy.status == 0)
        if let model {
            for name in ["config.json", "model.safetensors"] {
                let source = Fixtures.url("packed/llama-tied-q8").appendingPathComponent(name)
                try folder.write("\(Self.resources)/Models/\(model)/\(name)", Data(contentsOf: source))
            }
        }
        return folder
    }

    private let rest = "--tokens 1,2,3 -n 8"

    @Test("a program that was moved finds the model beside it, by its name or by none")
    func relocated() async throws {
        let folder = try await program(with: "stories-llama")
        let direct = Fixtures.url("packed/llama-tied-q8").path
        let expected = try await Command.run(["generate", "-m", direct, "--tokens", "1,2,3", "-n", "8"]).output
        for line in ["generate -m stories-llama", "generate"] {
            let run = try await Command.shell("cd / && $1/dynamax \(line) \(rest)", [folder.path])
            #expect(run.status == 0 && run.output == expected, "\(run.errors)")
        }
        // A link to the program may be elsewhere.
        let link = try TemporaryFolder()
        try FileManager.default.createSymbolicLink(
            atPath: link.path + "/dynamax", withDestinationPath: folder.path + "/dynamax")
        let linked = try await Command.shell("cd / && $1/dynamax generate \(rest)", [link.path])
        #expect(linked.status == 0 && linked.output == expected)
    }

    @Test("each command takes the model by name, or where none is named")
    func commands() async throws {
        let folder = try await program(with: "stories-llama")
        for line in [
            "trace \(rest) -o $1/trace.safetensors", "bench -p 4 -n 2 -r 1", "inspect", "inspect stories-llama",
            "bench -m stories-llama -p 4 -n 2 -r 1", "quantize -m stories-llama -o $1/copy --weights q4",
        ] {
            let run = try await Command.shell("$1/dynamax \(line)", [folder.path])
            #expect(run.status == 0, "\(line): \(run.errors)")
        }
        // The tiny model has no tokenizer, which is what is complained of.
        let run = try await Command.shell("$1/dynamax tokenize hello", [folder.path])
        #expect(run.status == 1 && run.complaint.contains("holds no tokenizer"))
    }

    @Test("a model's own exits draft where nothing else is asked for", arguments: ["stories-llama", "stories-mamba2"])
    func ownExits(_ model: String) async throws {
        func report(_ options: [String]) async throws -> (text: String, drafted: Int) {
            let run = try await Command.run(
                ["generate", "One day, Tom and", "-m", model, "-n", "60", "--json"] + options)
            #expect(run.status == 0)
            let object = try run.object()
            let ledger = try #require(object["ledger"] as? [String: Any])
            return (try #require(object["text"] as? String), try #require(ledger["drafted_tokens"] as? Int))
        }
        let full = try await report(["--guarantee", "off"])
        #expect(full.drafted == 0)
        for options in [[], ["--guarantee", "exact", "--drafts", "3"], ["--temp", "0"]] {
            let own = try await report(options)
            #expect(own.text == full.text, "\(options)")
            #expect(own.drafted > 0 || options != ["--guarantee", "exact", "--drafts", "3"], "\(options)")
        }
    }

    @Test("a path that exists comes first")
    func path() async throws {
        let folder = try await program(with: "stories-llama")
        try folder.write("stories-llama/config.json", "{\"model_type\": \"path\"}")
        let run = try await Command.shell("cd $1 && ./dynamax generate -m stories-llama \(rest)", [folder.path])
        #expect(run.status == 1 && run.complaint.contains("no weights"))
    }

    @Test("without its resources the program says in one sentence what is missing")
    func missing() async throws {
        for (model, problem) in [(nil, "are missing, looked for"), ("stories-mamba2", "is missing in")] {
            let folder = try await program(with: model)
            for line in ["generate \(rest)", "inspect", "bench", "tokenize hello", "trace hello -o $1/x"] {
                let run = try await Command.shell("$1/dynamax \(line)", [folder.path])
                #expect(run.status == 1 && run.output == "")
                #expect(run.errors.split(separator: "\n").count == 1)
                #expect(run.complaint.contains("stories-llama: ") && run.complaint.contains(problem), "\(run.errors)")
            }
        }
    }

    private static let names = ["stories-llama", "stories-mamba2"]

    @Test("each model writes a text, is described by a card and takes about a byte a parameter", arguments: names)
    func model(_ name: String) async throws {
        let story = try await Command.run(["generate", "-m", name, "Once upon a time", "-n", "40"])
        #expect(story.status == 0 && story.output.count > 80, "\(story.errors)")
        let report = try await Command.run(["inspect", name, "--json"]).object()
        #expect(report["model"] as? String == name && report["tokenizer"] as? String == "tokenizer.json")
        let (bytes, parameters) = (report["bytes"] as? Int ?? .max, report["parameters"] as? Int ?? 0)
        #expect(Double(bytes) < 1.1 * Double(parameters))
        let card = URL(fileURLWithPath: Command.path).deletingLastPathComponent()
            .appendingPathComponent("\(Self.resources)/Models/\(name)/README.md")
        #expect(try Data(contentsOf: card).count > 200)
    }

    @Test("whatever exits draft, the text is the full model's", arguments: names)
    func exact(_ name: String) async throws {
        for (index, prompt) in ["Once upon a time", "The little fox", "\"No,\" said Tom,", "A"].enumerated() {
            let options = ["generate", prompt, "-m", name, "-n", "60"] + (index % 2 == 0 ? [] : ["--temp", "0.8"])
            let full = try await Command.run(options)
            #expect(full.status == 0, "\(full.errors)")
            for exits in [
                ["depth:2"], ["depth:4", "--drafts", "7"], ["softmax:0.4"], ["margin:0.2", "--exit-layers", "2,5"],
                ["entropy:2", "--drafts", "3"], ["saturation:0.9", "--drafts", "1"],
            ] {
                let drafted = try await Command.run(options + ["--exit"] + exits)
                #expect(drafted.output == full.output, "\(prompt), \(exits)")
            }
        }
    }

    @Test("a name that is none is answered with those that are")
    func unknown() async throws {
        for name in ["stories-lama", "no/such-model", "/nonexistent"] {
            let run = try await Command.run(["generate", "-m", name, "hello"])
            #expect(run.status == 1 && run.complaint.contains("stories-llama, stories-mamba2"))
        }
    }
}
