/// What a checkpoint says about how to generate with it; nil where it says nothing.
///
/// Each value comes from generation_config.json, else from config.json, else from the metadata of a GGUF file. Token ids are
/// as these files claim; some checkpoints leave defaults there that their tokenizer contradicts.
public struct GenerationConfig: Hashable, Sendable {
    /// Tokens that begin a sequence: usually one, or none.
    public var bos: [Int] = []
    /// Tokens that end it: one or several, or none.
    public var eos: [Int] = []
    /// The token that fills rows up, which sequences do not contain.
    public var pad: Int?
    /// False where the most probable token is to be taken.
    public var doSample: Bool?
    /// 0 or more.
    public var temperature: Double?
    /// 0 for no limit.
    public var topK: Int?
    /// In 0...1.
    public var topP: Double?
    /// In 0...1.
    public var minP: Double?
    /// More than 0; 1 for no penalty.
    public var repetitionPenalty: Double?
    /// Tokens of prompt and text together.
    public var maxLength: Int?
    /// Tokens of text.
    public var maxNewTokens: Int?
    /// Where tokens may leave early by default.
    public var exits: Exits?

    /// Exits that suit a model, as its `dynamax_exits` says.
    public struct Exits: Hashable, Sendable {
        /// When tokens leave, as the command takes it.
        public var exit: String
        /// Layers after which to look; nil for the usual ones.
        public var layers: [Int]?
        /// The first tokens of the vocabulary, to draft among; nil for all.
        public var draftVocabulary: Int?

        init(_ json: JSONNode) throws(FormatError) {
            exit = try json.string("exit")
            layers = try json.optionalArray("layers")?.map { node throws(FormatError) in try node.int() }
            draftVocabulary = try json.optionalInt("draft_vocabulary")
            if let draftVocabulary, draftVocabulary < 1 {
                throw try json.node("draft_vocabulary").expected("at least 1")
            }
        }
    }

    /// Makes a configuration that says nothing.
    public init() {}

    /// Reads what the files of a checkpoint say.
    ///
    /// - Throws: `FormatError` that names a field which holds something impossible.
    public init(_ files: CheckpointFiles) throws(FormatError) {
        if let gguf = files.gguf {
            try self.init(gguf.metadata)
        } else {
            var sources: [JSONNode] = []
            if let generation = files.generationConfig { sources.append(generation) }
            if let config = files.config { sources.append(config) }
            try self.init(sources)
        }
    }

    /// Reads each value from the first of these objects that has it.
    public init(_ sources: [JSONNode]) throws(FormatError) {
        func field<Value>(
            _ key: String, _ read: (JSONNode) throws(FormatError) -> Value
        ) throws(FormatError) -> Value? {
            for source in sources {
                if let node = source[key] { return try read(node) }
            }
            return nil
        }
        func number(_ key: String, _ rule: Rule) throws(FormatError) -> Double? {
            try field(key) { node throws(FormatError) in
                let number = try node.double()
                guard rule.allows(number) else { throw node.expected(rule.expectation) }
                return number
            }
        }
        bos = try field("bos_token_id", GenerationConfig.tokens) ?? []
        eos = try field("eos_token_id", GenerationConfig.tokens) ?? []
        pad = try field("pad_token_id", GenerationConfig.tokens)?.first
        doSample = try field("do_sample") { node throws(FormatError) in try node.bool() }
        temperature = try number("temperature", .temperature)
        topK = try field("top_k", GenerationConfig.count)
        topP = try number("top_p", .probability)
        minP = try number("min_p", .probability)
        repetitionPenalty = try number("repetition_penalty", .factor)
        maxLength = try field("max_length", GenerationConfig.count)
        maxNewTokens = try field("max_new_tokens", GenerationConfig.count)
        exits = try field("dynamax_exits") { node throws(FormatError) in try Exits(node) }
    }

    /// Reads the metadata of a GGUF file.
    public init(_ metadata: GGUFMetadata) throws(FormatError) {
        func token(_ name: String) throws(FormatError) -> Int? {
            try metadata.optionalInt("tokenizer.ggml.\(name)_token_id").flatMap { $0 >= 0 ? $0 : nil }
        }
        if let token = try token("bos") { bos = [token] }
        for name in ["eos", "eot", "eom"] {
            if let token = try token(name), !eos.contains(token) { eos.append(token) }
        }
        pad = try token("padding")
        func number(_ name: String, _ rule: Rule) throws(FormatError) -> Double? {
            let key = "general.sampling.\(name)"
            guard let number = try metadata.optionalDouble(key) else { return nil }
            guard rule.allows(number) else { throw metadata.expected(rule.expectation, key) }
            return number
        }
        temperature = try number("temp", .temperature)
        topK = try metadata.optionalInt("general.sampling.top_k").map { max($0, 0) }
        topP = try number("top_p", .probability)
        minP = try number("min_p", .probability)
        repetitionPenalty = try number("penalty_repeat", .factor)
    }

    /// What a number may be.
    private enum Rule {
        case temperature, probability, factor

        func allows(_ number: Double) -> Bool {
            switch self {
            case .temperature: number >= 0 && number.isFinite
            case .probability: (0...1).contains(number)
            case .factor: Float(number) > 0 && Float(number).isFinite
            }
        }

        var expectation: String {
            switch self {
            case .temperature: "a finite number of at least 0"
            case .probability: "a number from 0 to 1"
            case .factor: "a finite number above 0"
            }
        }
    }

    /// One id or a list of them; negative ones stand for none.
    private static func tokens(_ node: JSONNode) throws(FormatError) -> [Int] {
        var tokens: [Int] = []
        if case .array = node.value {
            for element in try node.array() { tokens.append(try element.int()) }
        } else {
            guard let token = try? node.int() else { throw node.expected("a token id or a list of them") }
            tokens = [token]
        }
        return tokens.filter { $0 >= 0 }
    }

    private static func count(_ node: JSONNode) throws(FormatError) -> Int {
        let count = try node.int()
        guard count >= 0 else { throw node.expected("an integer of at least 0") }
        return count
    }
}
