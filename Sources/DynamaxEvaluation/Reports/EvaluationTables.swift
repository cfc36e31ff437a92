import DynamaxFormats

/// What a run found, as files for other programs: one line for each task, policy and metric, or all as one object.
public struct EvaluationTables {
    public let statistics: RunStatistics

    /// Takes what was found.
    public init(_ statistics: RunStatistics) {
        self.statistics = statistics
    }

    /// The characters of results.csv (RFC 4180).
    public var csv: String {
        let lines = statistics.cells.flatMap { cell -> [JSONObject] in
            let policy = statistics.run.manifest.policies.first { $0.name == cell.policy }
            return cell.metrics.map { figure in
                var fields: JSONObject = [
                    "task": .string(cell.task), "policy": .string(cell.policy),
                    "guarantee": .string(policy?.guarantee ?? ""), "exit": policy?.exit.map { .string($0) } ?? .null,
                    "state": .string(policy?.state ?? ""), "metric": .string(figure.metric.key),
                ]
                fields.append(figure.fields)
                fields.append(cell.fields)
                return fields
            }
        }
        guard let first = lines.first else { return "" }
        return CSV.line(first.keys.map { .string($0) }) + lines.map { CSV.line($0.values) }.joined()
    }

    /// The characters of results.json.
    public var json: String { "\(object)\n" }

    private var object: JSON {
        let manifest = statistics.run.manifest
        return [
            "format": "dynamax-evaluation-1",
            "model": manifest.model.json, "machine": manifest.machine.json,
            "tasks": .array(manifest.tasks.map(\.json)),
            "policies": .array(statistics.policies.map(\.json)),
            "results": .array(
                statistics.cells.map { cell in
                    var fields: JSONObject = ["task": .string(cell.task), "policy": .string(cell.policy)]
                    var metrics = JSONObject()
                    for figure in cell.metrics { metrics.set(figure.metric.key, .object(figure.fields)) }
                    fields.set("main_metric", cell.main.map { .string($0.metric.key) } ?? .null)
                    fields.set("metrics", .object(metrics))
                    fields.append(cell.fields)
                    fields.append(.init(depths: cell.depths))
                    fields.set("exit_scores", cell.calibration?.json ?? .null)
                    return .object(fields)
                }),
        ]
    }
}

extension JSONObject {
    fileprivate mutating func append(_ others: JSONObject) {
        for (key, value) in others { set(key, value) }
    }

    /// A number, or nothing where it is none: JSON has no name for infinities.
    fileprivate mutating func set(_ key: String, _ value: Double?) {
        set(key, .number(sound: value))
    }

    fileprivate mutating func set(_ key: String, _ estimate: Estimate?) {
        set(key, estimate?.value)
        set("\(key)_low", estimate?.interval?.lowerBound)
        set("\(key)_high", estimate?.interval?.upperBound)
    }

    fileprivate init(depths: ExitDepths) {
        func layers(_ counts: [Int: Int]) -> JSON {
            var object = JSONObject()
            for (layer, count) in counts.sorted(by: { $0.key < $1.key }) { object.set("\(layer)", .integer(count)) }
            return .object(object)
        }
        self = [
            "tokens_by_layer": layers(depths.counts),
            "tokens_by_place": .array(
                depths.buckets.map { bucket in
                    [
                        "from": .integer(bucket.places.lowerBound), "to": .integer(bucket.places.upperBound),
                        "layers": layers(bucket.counts),
                    ]
                }),
        ]
    }
}

extension JSON {
    /// A number; null where it is none.
    fileprivate static func number(sound value: Double?) -> JSON {
        value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null
    }
}

extension RunCell.MetricFigure {
    fileprivate var fields: JSONObject {
        var fields = JSONObject()
        fields.set("value", value)
        fields.set("standard_error", standardError)
        fields.set("difference", difference)
        fields.set("higher_is_better", .bool(metric.isHigherBetter))
        fields.set("is_share", .bool(metric.isShare))
        return fields
    }
}

extension RunCell {
    fileprivate var fields: JSONObject {
        var fields: JSONObject = [
            "items": .integer(items), "expected_items": .integer(expectedItems), "tokens": .integer(tokens),
        ]
        fields.set("layers", depth)
        fields.set("bytes_per_token", bytes)
        fields.set("bytes_share", bytesShare)
        fields.set("multiply_adds_per_token", multiplyAdds)
        fields.set("multiply_adds_share", multiplyAddsShare)
        fields.set("tokens_per_second", tokensPerSecond)
        fields.set("speed", speed)
        fields.set("agreement", agreement)
        fields.set("same_answers", likeness?.same)
        fields.set("token_f1", likeness?.tokenF1)
        fields.set("rouge_l", likeness?.rougeL)
        fields.set("first_divergence", likeness?.firstDivergence)
        fields.set("expected_calibration_error", calibration?.reliability?.expectedCalibrationError)
        fields.set("brier", calibration?.brier)
        fields.set("auroc", calibration?.auroc)
        fields.set("risk_area", calibration?.riskArea)
        return fields
    }
}

extension ScoreCalibration {
    fileprivate var json: JSON {
        var fields: JSONObject = ["count": .integer(count)]
        fields.set("agreement", agreement)
        fields.set("expected_calibration_error", reliability?.expectedCalibrationError)
        fields.set("brier", brier)
        fields.set("auroc", auroc)
        fields.set("risk_area", riskArea)
        fields.set(
            "bins",
            .array(
                (reliability?.bins ?? []).map {
                    [
                        "count": .integer($0.count), "confidence": .number($0.confidence),
                        "agreement": .number($0.agreement),
                    ]
                }))
        fields.set(
            "risks",
            .array(drawnRisks.map { ["coverage": .number($0.coverage), "risk": .number($0.risk)] }))
        return .object(fields)
    }
}

extension PolicyFigures {
    fileprivate var json: JSON {
        var fields: JSONObject = [
            "name": .string(policy.name), "guarantee": .string(policy.guarantee),
            "exit": policy.exit.map { .string($0) } ?? .null,
            "exit_layers": .array(policy.exitLayers.map { .integer($0) }), "state": .string(policy.state),
        ]
        // Means over tasks.
        fields.set("layers", depth)
        fields.set("bytes_share", bytesShare)
        fields.set("multiply_adds_share", multiplyAddsShare)
        fields.set("speed", speed)
        fields.set("agreement", agreement)
        for (key, value) in JSONObject(depths: depths) { fields.set(key, value) }
        fields.set("exit_scores", calibration?.json ?? .null)
        return .object(fields)
    }
}
