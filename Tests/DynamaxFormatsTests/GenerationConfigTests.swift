// Oracle: generation_config.json and config.json as transformers writes them.
import DynamaxFormats
import Testing

@Suite struct GenerationConfigTests {
    private func config(_ texts: String...) throws -> GenerationConfig {
        try GenerationConfig(
            texts.enumerated().map { JSONNode(try JSON(parsing: $1, name: "\($0).json"), location: "\($0).json") })
    }

    @Test func `reads one id or many`() throws {
        #expect(try config(#"{"bos_token_id": 1, "eos_token_id": [2, 7]}"#).eos == [2, 7])
        let one = try config(#"{"bos_token_id": [1], "eos_token_id": 2, "pad_token_id": 0}"#)
        #expect(one.bos == [1] && one.eos == [2] && one.pad == 0)
        let none = try config(#"{"bos_token_id": null, "eos_token_id": -1, "pad_token_id": -1}"#)
        #expect(none == GenerationConfig())
    }

    @Test func `takes each value from the first file that has it`() throws {
        let both = try config(
            #"{"eos_token_id": [3], "temperature": 0.6, "top_p": 0.9, "do_sample": true}"#,
            #"{"bos_token_id": 1, "eos_token_id": 2, "temperature": 1, "top_k": 40, "min_p": 0.05, "repetition_penalty": 1.1, "max_length": 4096, "max_new_tokens": 10}"#
        )
        #expect(both.bos == [1] && both.eos == [3])
        #expect(both.temperature == 0.6 && both.topP == 0.9 && both.doSample == true)
        #expect(both.topK == 40 && both.minP == 0.05 && both.repetitionPenalty == 1.1)
        #expect(both.maxLength == 4096 && both.maxNewTokens == 10)
    }

    @Test func `reads exits that suit the model`() throws {
        let text = #"{"dynamax_exits": {"exit": "margin:0.3", "layers": [2, 4], "draft_vocabulary": 1024}}"#
        let exits = try #require(try config(text).exits)
        #expect(exits.exit == "margin:0.3" && exits.layers == [2, 4] && exits.draftVocabulary == 1024)
    }

    @Test(arguments: [
        (#"{"eos_token_id": "x"}"#, "the field eos_token_id must be a token id or a list of them, not \"x\""),
        (#"{"eos_token_id": [1, "x"]}"#, "the field eos_token_id[1] must be an integer, not \"x\""),
        (#"{"temperature": -1}"#, "the field temperature must be a finite number of at least 0, not -1"),
        (#"{"temperature": NaN}"#, "the field temperature must be a finite number of at least 0, not nan"),
        (#"{"top_p": 1.5}"#, "the field top_p must be a number from 0 to 1, not 1.5"),
        (#"{"min_p": "x"}"#, "the field min_p must be a number, not \"x\""),
        (#"{"top_k": -5}"#, "the field top_k must be an integer of at least 0, not -5"),
        (#"{"repetition_penalty": 0}"#, "the field repetition_penalty must be a finite number above 0, not 0"),
        (#"{"dynamax_exits": {"layers": [1]}}"#, "the field dynamax_exits.exit is missing"),
        (
            #"{"dynamax_exits": {"exit": "depth:2", "draft_vocabulary": 0}}"#,
            "the field dynamax_exits.draft_vocabulary must be at least 1, not 0"
        ),
        (#"{"do_sample": 1}"#, "the field do_sample must be true or false, not 1"),
    ])
    func `refuses what is impossible`(text: String, problem: String) {
        let error = #expect(throws: FormatError.self) { try config(text) }
        #expect(error?.description == "0.json: \(problem)")
    }

    @Test func `reads the metadata of GGUF files`() throws {
        var file = GGUFBytes(tensors: 0, keys: 6)
        for (name, token) in [("bos", 1), ("eos", 2), ("eot", 2), ("eom", 5), ("padding", UInt32.max)]
            as [(String, UInt32)]
        {
            file.key("tokenizer.ggml.\(name)_token_id", type: name == "padding" ? 5 : 4)
            file.append(token)
        }
        file.key("general.sampling.temp", type: 6)
        file.append(Float(0.5).bitPattern)
        let config = try GenerationConfig(GGUFFile(MemoryBytes(file.bytes, location: "f")).metadata)
        #expect(config.bos == [1] && config.eos == [2, 5] && config.pad == nil && config.temperature == 0.5)
    }
}
