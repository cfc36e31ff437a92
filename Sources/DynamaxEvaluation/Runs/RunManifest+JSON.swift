import DynamaxFormats

extension RunManifest {
    static let format = "dynamax-run-1"

    var json: JSON {
        [
            "format": .string(RunManifest.format), "model": model.json, "machine": machine.json,
            "tasks": .array(tasks.map(\.json)), "policies": .array(policies.map(\.json)),
        ]
    }

    init(_ json: JSONNode) throws(FormatError) {
        guard try json.string("format") == RunManifest.format else {
            throw try json.node("format").expected(RunManifest.format)
        }
        let (model, machine) = (try json.node("model"), try json.node("machine"))
        self.init(
            model: Model(
                name: try model.string("name"), fingerprint: try model.string("fingerprint"),
                family: try model.string("family"), layers: try model.int("layers"),
                weights: try model.string("weights"), kvCache: try model.string("kv_cache"),
                context: try model.int("context")),
            machine: Machine(
                instructionSet: try machine.string("instruction_set"), threads: try machine.int("threads"),
                batch: try machine.int("batch"), version: try machine.string("version")),
            tasks: try json.array("tasks").map { node throws(FormatError) in try TaskEntry(node) },
            policies: try json.array("policies").map { node throws(FormatError) in try Policy(node) })
    }

    /// In what the rows of another run may differ from this one's, as the end of a sentence that begins with "of"; nil where
    /// they may not.
    func difference(from other: RunManifest) -> String? {
        if model.fingerprint != other.model.fingerprint {
            return "another model, whose digest begins \(model.fingerprint.prefix(12)), not "
                + "\(other.model.fingerprint.prefix(12))"
        }
        if model.weights != other.model.weights {
            return "weights held in \(model.weights), not \(other.model.weights)"
        }
        if model.kvCache != other.model.kvCache {
            return "a KV cache in \(model.kvCache), not \(other.model.kvCache)"
        }
        if model.context != other.model.context {
            return "texts cut to \(model.context) tokens, not \(other.model.context)"
        }
        if machine.instructionSet != other.machine.instructionSet {
            return "a machine with \(machine.instructionSet), not \(other.machine.instructionSet)"
        }
        func names(_ names: [String]) -> String { names.joined(separator: ", ") }
        guard tasks.map(\.name) == other.tasks.map(\.name) else {
            return "the tasks \(names(tasks.map(\.name))), not \(names(other.tasks.map(\.name)))"
        }
        for (task, new) in zip(tasks, other.tasks) where task != new {
            let what =
                task.options != new.options
                ? "other options (\(task.options.sentence), not \(new.options.sentence))"
                : task.dataDigest != new.dataDigest ? "other data" : "other metrics"
            return "\(task.name) with \(what)"
        }
        guard policies.map(\.name) == other.policies.map(\.name) else {
            return "the policies \(names(policies.map(\.name))), not \(names(other.policies.map(\.name)))"
        }
        for (policy, new) in zip(policies, other.policies) where policy != new {
            return policy.fileDigest != new.fileDigest
                ? "\(policy.name) with another file of heads or certificate" : "\(policy.name) with other exits"
        }
        return nil
    }
}

extension TaskOptions {
    fileprivate var sentence: String {
        "limit \(limit.map { "\($0)" } ?? "none"), few-shot \(fewShot.map { "\($0)" } ?? "the task's"), seed \(seed)"
    }
}

extension RunManifest.Model {
    var json: JSON {
        [
            "name": .string(name), "fingerprint": .string(fingerprint), "family": .string(family),
            "layers": .integer(layers), "weights": .string(weights), "kv_cache": .string(kvCache),
            "context": .integer(context),
        ]
    }
}

extension RunManifest.Machine {
    var json: JSON {
        [
            "instruction_set": .string(instructionSet), "threads": .integer(threads), "batch": .integer(batch),
            "version": .string(version),
        ]
    }
}

extension RunManifest.TaskEntry {
    var json: JSON {
        [
            "name": .string(name),
            "metrics": .array(
                metrics.map {
                    [
                        "name": .string($0.name), "filter": $0.filter.map { .string($0) } ?? .null,
                        "higher_is_better": .bool($0.isHigherBetter), "aggregation": .string($0.aggregation.rawValue),
                        "is_share": .bool($0.isShare),
                    ]
                }),
            "data_sha256": .string(dataDigest), "items": .integer(items),
            "limit": options.limit.map { .integer($0) } ?? .null,
            "few_shot": options.fewShot.map { .integer($0) } ?? .null, "seed": .integer(Int(options.seed)),
        ]
    }

    fileprivate init(_ json: JSONNode) throws(FormatError) {
        let metrics = try json.array("metrics").map { node throws(FormatError) in
            guard let aggregation = Aggregation(rawValue: try node.string("aggregation")) else {
                throw try node.node("aggregation").expected("a known aggregation")
            }
            return Metric(
                try node.string("name"), filter: try node.optionalString("filter"),
                isHigherBetter: try node.bool("higher_is_better"), aggregation, isShare: try node.bool("is_share"))
        }
        guard let seed = UInt32(exactly: try json.int("seed")) else {
            throw try json.node("seed").expected("0 to \(UInt32.max)")
        }
        self.init(
            name: try json.string("name"), metrics: metrics, dataDigest: try json.string("data_sha256"),
            items: try json.int("items"),
            options: TaskOptions(
                limit: try json.optionalInt("limit"), fewShot: try json.optionalInt("few_shot"), seed: seed))
    }
}

extension RunManifest.Policy {
    fileprivate var json: JSON {
        [
            "name": .string(name), "guarantee": .string(guarantee), "exit": exit.map { .string($0) } ?? .null,
            "exit_layers": .array(exitLayers.map { .integer($0) }), "state": .string(state),
            "file_sha256": fileDigest.map { .string($0) } ?? .null,
        ]
    }

    fileprivate init(_ json: JSONNode) throws(FormatError) {
        self.init(
            name: try json.string("name"), guarantee: try json.string("guarantee"),
            exit: try json.optionalString("exit"),
            exitLayers: try json.array("exit_layers").map { node throws(FormatError) in try node.int() },
            state: try json.string("state"), fileDigest: try json.optionalString("file_sha256"))
    }
}
