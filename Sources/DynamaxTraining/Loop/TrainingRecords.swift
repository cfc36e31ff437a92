import DynamaxFormats

// What metrics.jsonl holds.

extension StepReport {
    var json: JSON {
        var byDepth = JSONObject()
        for (depth, loss) in depths { byDepth.set("\(depth)", .number(loss)) }
        return [
            "step": .integer(step), "loss": .number(loss), "loss_by_depth": .object(byDepth), "rate": .number(rate),
            "gradient_norm": .number(gradientNorm), "tokens": .integer(tokens), "seconds": .number(seconds),
        ]
    }
}

extension [EvaluationResult] {
    func json(step: Int) -> JSON {
        var texts = JSONObject()
        for result in self {
            var (perToken, perByte) = (JSONObject(), JSONObject())
            for depth in result.depths {
                perToken.set("\(depth.depth)", .number(depth.perToken))
                perByte.set("\(depth.depth)", .number(depth.perByte))
            }
            texts.set(
                result.name,
                [
                    "tokens": .integer(result.tokens), "per_token": .object(perToken), "per_byte": .object(perByte),
                ])
        }
        return ["step": .integer(step), "evaluation": .object(texts)]
    }
}
