/// All tasks, by name.
public enum TaskCatalogue {
    /// The version of lm-evaluation-harness whose prompts and scores the tasks follow.
    public static let harnessVersion = "0.4.13"

    /// Every task, in the order of a list.
    public static let all: [any EvaluationTask] =
        [
            PromptedTask.truthfulQAOne, PromptedTask.truthfulQATwo, PromptedTask.truthfulQAWritten, PromptedTask.coQA,
            PromptedTask.coQAAll, PromptedTask.triviaQA, PromptedTask.lambada, PromptedTask.hellaSwag,
            PromptedTask.piqa,
            PromptedTask.arcEasy, PromptedTask.arcChallenge, PromptedTask.boolQ, PromptedTask.xSum, PromptedTask.gsm8k,
            PromptedTask.quac, PromptedTask.wikiText, PromptedTask.perplexity,
        ] + PandaLM.all

    /// The task of a name.
    ///
    /// - Throws: `TaskError` that names the likeliest ones meant.
    public static func task(_ name: String) throws(TaskError) -> any EvaluationTask {
        if let task = all.first(where: { $0.name == name }) { return task }
        let near = all.map(\.name).filter { known in
            known.contains(name) || name.contains(known) || known.difference(from: name).count <= 2
        }
        throw .unknown(name, near: Array(near.prefix(3)))
    }
}
