import DynamaxEvaluation
import DynamaxFormats
import TestSupport
import Testing

@Suite struct DataPlacesTests {
    @Test("documents are found by the names of files")
    func places() throws {
        let folder = try TemporaryFolder()
        for name in [
            "arc_easy.jsonl", "arc_challenge.jsonl", "triviaqa_dev.jsonl", "triviaqa_test.jsonl", "gsm8k_test.jsonl",
            "gsm8k_train.jsonl", "TruthfulQA.csv", "boolq_a.jsonl", "boolq_b.jsonl", "notes.md",
        ] {
            let line = name.hasSuffix(".csv") ? "name\n\(name)\n" : "{\"name\": \"\(name)\"}\n{\"name\": \"\"}\n"
            try folder.write(name, line)
        }
        let places = try DataPlaces([folder.path])
        func file(_ task: String) throws -> String {
            try places.documents(of: TaskCatalogue.task(task)).documents[0].string("name")
        }
        #expect(try file("arc_easy") == "arc_easy.jsonl" && file("arc_challenge") == "arc_challenge.jsonl")
        #expect(try file("triviaqa") == "triviaqa_dev.jsonl" && file("truthfulqa_mc2") == "TruthfulQA.csv")
        #expect(
            try places.documents(of: TaskCatalogue.task("gsm8k")).examples?.first?.string("name") == "gsm8k_train.jsonl"
        )
        #expect(throws: FormatError.self) { try file("boolq") }
        #expect(throws: FormatError.self) { try file("piqa") }
        let named = try DataPlaces(["piqa=\(folder.path)/arc_easy.jsonl,\(folder.path)/gsm8k_train.jsonl"])
        #expect(try named.documents(of: TaskCatalogue.task("piqa")).examples?.count == 2)
        #expect(
            try DataPlaces([folder.path + "/arc_easy.jsonl"]).documents(of: TaskCatalogue.task("piqa")).documents.count
                == 2)
        #expect(throws: FormatError.self) { try DataPlaces(["nothing"]) }
        #expect(throws: FormatError.self) { try DataPlaces(["none=x"]) }
    }
}
