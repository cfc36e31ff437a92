import DynamaxFormats

/// The ways to cut text into words that GGUF files name in `tokenizer.ggml.pre`.
///
/// The expressions are facts of the models; those listed one after another cut in turn what the one before has left.
struct GGUFPreTokenizer {
    /// Whether a word that is a piece is taken whole.
    var ignoresMerges = false
    /// Whether the token that begins a text is put before it unless the file says otherwise.
    var addsBOS = false
    private let expressions: [String]

    private static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    private static let contractions = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
    private static let rest = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let llama3 = contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"# + rest
    private static let qwen2 = contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + rest
    private static let cased = [
        #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#,
        #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#,
    ]
    private static let casedRest = #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let words = #" ?[^(\s|.,!?…。，、।۔،)]+"#

    /// Finds a name; nil where it is not known.
    init?(_ name: String) {
        switch name {
        case "default": expressions = [#"[\p{P}\$\+<=>\^~\|]+"#, GGUFPreTokenizer.gpt2, #"\p{N}+"#, "[0-9][0-9][0-9]"]
        case "gpt-2", "phi-2", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "gigachat", "a.x-4.0", "mellum",
            "modern-bert", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4":
            expressions = [GGUFPreTokenizer.gpt2]
        case "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2":
            expressions = [GGUFPreTokenizer.llama3]
            ignoresMerges = true
            addsBOS = true
        case "dbrx", "smaug-bpe", "chatglm-bpe", "glm4": expressions = [GGUFPreTokenizer.llama3]
        case "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2":
            expressions = [GGUFPreTokenizer.qwen2]
        case "qwen35":
            expressions = [
                GGUFPreTokenizer.contractions
                    + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"#
                    + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
            ]
        case "falcon":
            expressions = [#"[\p{P}\$\+<=>\^~\|`]+"#, GGUFPreTokenizer.gpt2, "[0-9][0-9][0-9]"]
        case "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2":
            expressions = [#"\p{N}"#, GGUFPreTokenizer.gpt2]
        case "deepseek-coder":
            expressions = [#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, "[一-龥ࠀ-一가-퟿]+", #"\p{N}"#]
        case "deepseek-v3", "hunyuan-dense", "joyai-llm":
            expressions = [
                #"\p{N}{1,3}"#, "[一-龥぀-ゟ゠-ヿ]+",
                ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##
                    + #"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
            ]
        case "tekken":
            expressions = [GGUFPreTokenizer.cased.joined(separator: "|") + #"|\p{N}"# + GGUFPreTokenizer.casedRest]
            ignoresMerges = true
            addsBOS = true
        case "gpt-4o", "llama4", "kanana2", "minimax-m2":
            let words = GGUFPreTokenizer.cased.map { $0 + GGUFPreTokenizer.contractions + "?" }
            expressions = [words.joined(separator: "|") + #"|\p{N}{1,3}"# + GGUFPreTokenizer.casedRest]
        case "bloom", "poro-chat", "gpt3-finnish": expressions = [GGUFPreTokenizer.words]
        case "viking": expressions = [GGUFPreTokenizer.words, #"\p{N}"#]
        case "seed-coder":
            expressions = [
                GGUFPreTokenizer.contractions
                    + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"#
            ]
        case "bailingmoe", "bailingmoe2", "llada-moe":
            expressions = [
                #"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"#
                    + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#
            ]
        default: return nil
        }
    }

    /// The steps that the name stands for.
    func preTokenizer(location: String) throws(FormatError) -> PreTokenizer {
        var steps: [PreTokenizer.Step] = []
        for expression in expressions {
            if let scanner = WordScanner(expression: expression) {
                steps.append(.words(scanner))
                continue
            }
            do {
                steps.append(.split(Splitter(target: .pattern(try Pattern(expression)), behavior: .isolated)))
            } catch {
                throw FormatError(.unsupported, location, "the expression of tokenizer.ggml.pre \(error.problem)")
            }
        }
        return PreTokenizer(steps: steps + [.byteLevel(addsSpace: false)])
    }
}
