import DynamaxFormats

/// What a model was asked, as a run keeps it: once, the same under all policies.
public struct RunItem: Hashable, Sendable {
    public let task: String
    /// The item's `id`.
    public let id: String
    /// Items of one group are resampled together.
    public let group: String
    public let request: TaskRequest
    /// For a reader: what all choices follow, or what a text was written after; empty for the likelihood of a whole text.
    public let prompt: String
    /// Texts whose likelihoods were asked for, in their order; empty where the model wrote.
    public let choices: [String]
    /// Answers that count as right; empty where there are none.
    public let references: [String]

    /// Takes what was asked. Where choices follow different contexts, the prompt is what these begin with in common.
    public init(task: String, id: String, group: String? = nil, request: TaskRequest, references: [String]) {
        (self.task, self.id, self.group) = (task, id, group ?? id)
        (self.request, self.references) = (request, references)
        (prompt, choices) =
            switch request {
            case .generation(let context, _): (context, [])
            case .text(let text): ("", [text])
            case .choices(let all): RunItem.split(all)
            }
    }

    /// Takes a prompt with choices, or one that something is written after.
    public init(
        task: String, id: String, group: String? = nil, prompt: String, choices: [String] = [], references: [String]
    ) {
        let request: TaskRequest =
            choices.isEmpty
            ? .generation(context: prompt, limits: WritingLimits(stops: []))
            : .choices(choices.map { Continuation($0, after: prompt) })
        self.init(task: task, id: id, group: group, request: request, references: references)
    }

    /// Takes an item of a task.
    public init(task: String, _ item: TaskItem) {
        self.init(task: task, id: item.id, group: item.group, request: item.request, references: item.references)
    }

    private static func split(_ choices: [Continuation]) -> (prompt: String, choices: [String]) {
        guard let first = choices.first?.context else { return ("", []) }
        let common = choices.dropFirst().reduce(first) {
            $0 == $1.context ? $0 : String(zip($0, $1.context).prefix { $0 == $1 }.map(\.0))
        }
        return (common, choices.map { String($0.context.dropFirst(common.count)) + $0.text })
    }
}

extension RunItem {
    var json: JSON {
        var json: JSONObject = ["task": .string(task), "id": .string(id)]
        if group != id { json.set("group", .string(group)) }
        switch request {
        case .generation(let context, let limits):
            json.set("prompt", .string(context))
            json.set("stops", .array(limits.stops.map { .string($0) }))
            json.set("maximum_tokens", .integer(limits.maximumTokens))
        case .text(let text):
            json.set("text", .string(text))
        case .choices(let choices):
            // Choices mostly follow one context.
            let contexts = Set(choices.map(\.context))
            if contexts.count == 1, let context = contexts.first { json.set("prompt", .string(context)) }
            json.set(
                "choices",
                .array(
                    choices.map {
                        contexts.count == 1
                            ? .string($0.text) : ["prompt": .string($0.context), "text": .string($0.text)]
                    }))
        }
        if !references.isEmpty { json.set("references", .array(references.map { .string($0) })) }
        return .object(json)
    }

    init(_ json: JSONNode) throws(FormatError) {
        let request: TaskRequest
        if let text = try json.optionalString("text") {
            request = .text(text)
        } else if json["choices"] != nil {
            var choices: [Continuation] = []
            for choice in try json.array("choices") {
                if case .string(let text) = choice.value {
                    choices.append(Continuation(text, after: try json.string("prompt")))
                } else {
                    choices.append(Continuation(try choice.string("text"), after: try choice.string("prompt")))
                }
            }
            request = .choices(choices)
        } else {
            request = .generation(
                context: try json.string("prompt"),
                limits: WritingLimits(
                    stops: try json.strings("stops"), maximumTokens: try json.int("maximum_tokens")))
        }
        self.init(
            task: try json.string("task"), id: try json.string("id"), group: try json.optionalString("group"),
            request: request, references: try json["references"] == nil ? [] : json.strings("references"))
    }
}
