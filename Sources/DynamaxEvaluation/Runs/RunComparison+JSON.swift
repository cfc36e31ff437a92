import DynamaxFormats

extension RunComparison.Task {
    var json: JSON {
        [
            "task": .string(name), "items": .integer(items), "metrics": .array(metrics.map(\.json)),
            "texts": texts?.json ?? .null,
        ]
    }
}

extension RunComparison.Difference {
    fileprivate var json: JSON {
        [
            "name": .string(metric.key), "first": .exact(first), "second": .exact(second),
            "difference": difference.json,
        ]
    }
}

extension RunComparison.Texts {
    fileprivate var json: JSON {
        [
            "token_f1": tokenF1.json, "rouge_l": rougeL.json, "equal": equal.json,
            "first_divergence": firstDivergence.json,
        ]
    }
}

extension Estimate {
    fileprivate var json: JSON {
        [
            "value": .exact(value), "low": interval.map { .exact($0.lowerBound) } ?? .null,
            "high": interval.map { .exact($0.upperBound) } ?? .null,
        ]
    }
}
