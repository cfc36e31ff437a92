import DynamaxFormats
import DynamaxTraining
import Testing

// Oracle: none outside; the sentences are read as a user would read them.

@Suite struct ConfigurationTests {
    private func read(_ changes: (inout JSONObject) -> Void = { _ in }) throws -> TrainingConfiguration {
        var object: JSONObject = [
            "output": "runs/a", "steps": 10, "tokenizer": "tok", "model": ["config": ["model_type": "llama"]],
            "data": ["folder": "cache", "train": [["path": "a.txt", "separator": "---"]]],
        ]
        changes(&object)
        return try TrainingConfiguration(JSONNode(.object(object), location: "train.json"), folder: "/recipes")
    }

    @Test func defaultsFillWhatIsLeftOut() throws {
        let configuration = try read()
        #expect(configuration.output == "/recipes/runs/a")
        #expect(configuration.data.train[0].documents.path == "/recipes/a.txt")
        #expect(configuration.batch.rows == 2048 && configuration.batch.context == 256)
        #expect(configuration.exits.rule == .final && configuration.layerDropout == nil)
        #expect(configuration.schedule == Schedule(.cosine(final: 0.1)))
    }

    @Test(
        arguments: [
            ("optimizer", ["ratee": 1], "the field optimizer.ratee is not known"),
            ("optimizer", ["rate": "fast"], "the field optimizer.rate must be a number"),
            ("optimizer", ["rate": -1], "the field optimizer.rate must be from 0.0"),
            ("optimizer", ["kind": "lion"], "the field optimizer.kind must be one of adamw, adam, sgd"),
            ("optimizer", ["groups": [["match": "{"]]], "the field optimizer.groups[0].match must be a pattern"),
            ("batch", ["rows": 0], "the field batch.rows must be 1 or more"),
            ("batch", ["rows": 8, "context": 9], "the field batch.context must be from 1 to 8"),
            ("steps", 0, "the field steps must be 1 or more"),
            ("exits", ["rule": "best"], "the field exits.rule must be one of final, uniform"),
            ("exits", ["depths": [0]], "the field exits.depths[0] must be from 1"),
            ("model", [:], "the field model must be an object with config"),
            ("data", ["folder": "x", "train": []], "the field data.train must be an array of at least one text"),
            ("speed", 1, "the field speed is not known"),
            ("checkpoints", ["keep": 0], "the field checkpoints.keep must be 1 or more"),
            ("layer_dropout", ["maximum": 1], "the field layer_dropout.maximum must be from 0.0 to 0.99"),
        ] as [(String, JSON, String)])
    func wrongFieldsAreNamed(key: String, value: JSON, sentence: String) {
        let error = #expect(throws: FormatError.self) { try read { $0.set(key, value) } }
        #expect(error?.description.hasPrefix("train.json: \(sentence)") == true, "\(error?.description ?? "")")
    }

    @Test func onlyWhatDecidesTheNumbersIsTheIdentity() throws {
        let identity = try read().identity
        #expect(try read { $0.set("evaluation", ["every": 7]) }.identity == identity)
        #expect(try read { $0.set("seed", 7) }.identity != identity)
    }
}
