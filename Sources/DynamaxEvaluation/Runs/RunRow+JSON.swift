import DynamaxFormats
import DynamaxLayers
import DynamaxModels

extension RunRow {
    var json: JSON {
        var json: JSONObject = [
            "task": .string(key.task), "policy": .string(key.policy), "item": .string(key.item),
        ]
        switch answer {
        case .text(let text): json.set("text", .string(text))
        case .logLikelihoods(let values):
            json.set(
                "log_likelihoods",
                .array(values.map { ["sum": .exact($0.sum), "greedy": .bool($0.isGreedy)] }))
        }
        json.set(
            "scores",
            .array(
                scores.map { score in
                    var json: JSONObject = ["metric": .string(score.metric), "value": .exact(score.value)]
                    if score.weight != 1 { json.set("weight", .exact(score.weight)) }
                    return .object(json)
                }))
        json.set("tokens", .array(tokens.map(\.json)))
        json.set("ledger", ledger.json)
        json.set("batched", .bool(isBatched))
        json.set("seconds", .exact(seconds))
        return .object(json)
    }

    init(_ json: JSONNode) throws(FormatError) {
        let answer: Answer
        if json["log_likelihoods"] != nil {
            answer = .logLikelihoods(
                try json.array("log_likelihoods").map { node throws(FormatError) in
                    LogLikelihood(sum: try node.double("sum"), isGreedy: try node.bool("greedy"))
                })
        } else {
            answer = .text(try json.string("text"))
        }
        self.init(
            Key(task: try json.string("task"), policy: try json.string("policy"), item: try json.string("item")),
            answer: answer,
            tokens: try json.array("tokens").map { node throws(FormatError) in try TokenRecord(node) },
            scores: try json.array("scores").map { node throws(FormatError) in
                Score(
                    try node.string("metric"), try node.double("value"), weight: try node.optionalDouble("weight") ?? 1)
            },
            ledger: try Ledger(json.node("ledger")), seconds: try json.double("seconds"),
            isBatched: try json.bool("batched"))
    }
}

extension RunRow.TokenRecord {
    fileprivate var json: JSON {
        var json: JSONObject = ["text": .string(text), "layer": .integer(layer)]
        if choice != 0 { json.set("choice", .integer(choice)) }
        // The shortest spelling of a Float is exact for it, and short.
        if let exitScore { json.set("score", .exact(Double("\(exitScore)") ?? Double(exitScore))) }
        if let agrees { json.set("agrees", .bool(agrees)) }
        if let logProbability { json.set("logprob", .exact(logProbability)) }
        return .object(json)
    }

    fileprivate init(_ json: JSONNode) throws(FormatError) {
        self.init(
            text: try json.string("text"), choice: try json.optionalInt("choice") ?? 0, layer: try json.int("layer"),
            exitScore: try json.optionalDouble("score").map { Float($0) }, agrees: try json.optionalBool("agrees"),
            logProbability: try json.optionalDouble("logprob"))
    }
}

extension Ledger {
    private static var counts: [(String, WritableKeyPath<Ledger, Int>)] {
        [
            ("layer_rows", \.layerRows), ("catch_up_rows", \.catchUpRows), ("state_only_rows", \.stateOnlyRows),
            ("head_rows", \.headRows), ("exit_head_rows", \.exitHeadRows), ("drafted_tokens", \.draftedTokens),
            ("accepted_tokens", \.acceptedTokens), ("bytes", \.cost.bytes), ("multiply_adds", \.cost.multiplyAdds),
        ]
    }

    fileprivate var json: JSON {
        var json = JSONObject()
        for (name, count) in Ledger.counts { json.set(name, .integer(self[keyPath: count])) }
        return .object(json)
    }

    fileprivate init(_ json: JSONNode) throws(FormatError) {
        self.init()
        for (name, count) in Ledger.counts { self[keyPath: count] = try json.int(name) }
    }
}

extension JSON {
    /// A number as it is, those that JSON has no spelling for included, as `JSONNode.double` reads them.
    static func exact(_ number: Double) -> JSON {
        if number.isFinite { return .number(number) }
        return ["__float__": .string(number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity")]
    }
}
