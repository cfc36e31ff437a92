import DynamaxDepth
public import DynamaxModels
public import DynamaxTensor
import DynamaxText

/// Puts the questions of tasks to a model under several policies, and keeps what comes of it in a `RunStore`.
///
/// The full model comes first: what the others say is compared with it, token by token, given the same text before.
public struct Evaluation {
    /// A task with its questions.
    public struct Task: Sendable {
        public let entry: RunManifest.TaskEntry
        public let items: [TaskItem]

        /// Takes a task's questions.
        public init(_ task: any EvaluationTask, _ items: [TaskItem], data: TaskData, options: TaskOptions) {
            entry = RunManifest.TaskEntry(
                name: task.name, metrics: task.metrics, dataDigest: data.digest, items: items.count, options: options)
            self.items = items
        }
    }

    /// What happens on the way.
    public enum Event: Sendable {
        /// A task begins, of whose rows some may be there already.
        case task(String, rows: Int, done: Int)
        case row(RunRow)
    }

    let model: LanguageModel
    let tokens: HarnessTokens
    let stopTokens: Set<Token>
    let policies: [EvaluationPolicy]
    let tasks: [Task]
    let batch: Int
    private let asked: [[Asked]]

    /// What an item asks, in tokens.
    enum Asked: Sendable {
        /// `isWhole` where the texts are windows of one.
        case likelihoods(LikelihoodItem, texts: [AskedTokens], isWhole: Bool)
        case writing([Token], WritingLimits)
    }

    /// Prepares all questions.
    ///
    /// - Parameters:
    ///   - stopTokens: tokens that end written text.
    ///   - policies: the full model first.
    ///   - batch: items that run together at most. With 1, texts are written as one user sees it. It changes no bit of any answer.
    /// - Throws: `EvaluationError` that names an item which the model cannot be asked.
    public init(
        _ model: LanguageModel, _ tokens: HarnessTokens, stopTokens: Set<Token>, policies: [EvaluationPolicy],
        tasks: [Task], batch: Int = 64
    ) throws(EvaluationError) {
        precondition(policies.first?.specification == .off, "the full model comes first")
        precondition(batch > 0)
        (self.model, self.tokens, self.stopTokens) = (model, tokens, stopTokens)
        (self.policies, self.tasks, self.batch) = (policies, tasks, batch)
        asked = try tasks.map { task throws(EvaluationError) in
            try task.items.map { item throws(EvaluationError) in
                do throws(EvaluationError) {
                    return try Evaluation.ask(item, tokens, vocabulary: model.stack.vocabularySize)
                } catch {
                    throw .item(item.id, task: task.entry.name, "\(error)")
                }
            }
        }
        for (task, asked) in zip(tasks, asked) {
            let longest = asked.reduce(0) { longest, item in
                if case .writing(_, let limits) = item { max(longest, limits.maximumTokens) } else { longest }
            }
            for policy in policies {
                if let certified = policy.certifiedTokens, longest > certified {
                    throw .certificate(
                        policy.specification.exit ?? "", tokens: certified, task: task.entry.name, wanted: longest)
                }
            }
        }
    }

    private static func ask(
        _ item: TaskItem, _ tokens: HarnessTokens, vocabulary: Int
    ) throws(EvaluationError) -> Asked {
        func checked(_ tokens: [Token]) throws(EvaluationError) {
            if let stranger = tokens.first(where: { !(0..<vocabulary).contains(Int($0)) }) {
                throw .unknownToken(stranger, vocabulary: vocabulary)
            }
        }
        switch item.request {
        case .choices(let choices):
            let texts = try choices.map { choice throws(EvaluationError) in try tokens.continuation(choice) }
            for text in texts { try checked(text.tokens) }
            return .likelihoods(LikelihoodItem(texts), texts: texts, isWhole: false)
        case .text(let text):
            let windows = tokens.windows(text)
            for window in windows { try checked(window.tokens) }
            return .likelihoods(LikelihoodItem(windows), texts: windows, isWhole: true)
        case .generation(let context, let limits):
            let prompt = try tokens.prompt(context, room: limits.maximumTokens)
            try checked(prompt)
            return .writing(prompt, limits)
        }
    }

    /// What the run's manifest says, with what only the caller knows.
    public func manifest(model name: String, fingerprint: String, version: String) -> RunManifest {
        let device = model.stack.device
        return RunManifest(
            model: .init(
                name: name, fingerprint: fingerprint, family: model.family, layers: model.stack.layerCount,
                weights: "\(model.format)", kvCache: model.cacheFormat.rawValue, context: tokens.limit),
            machine: .init(
                instructionSet: device.instructionSetName, threads: device.threads, batch: batch, version: version),
            tasks: tasks.map(\.entry), policies: policies.map(\.entry))
    }

    /// What is asked, for a store.
    public var items: [RunItem] {
        tasks.flatMap { task in task.items.map { RunItem(task: task.entry.name, $0) } }
    }

    /// Asks whatever the store has no answer to yet.
    ///
    /// - Parameter report: told of each task and row.
    /// - Returns: what was run.
    @discardableResult
    public func run(into store: RunStore, report: (Event) throws -> Void = { _ in }) throws -> EvaluationWork {
        warmUp()
        let meter = WorkMeter()
        for (task, asked) in zip(tasks, asked) {
            let rows = task.items.count * policies.count
            try report(.task(task.entry.name, rows: rows, done: store.done.count { $0.task == task.entry.name }))
            try TaskRun(self, task, asked, store, meter).run(report)
        }
        return meter.work
    }

    /// Runs some rows for nothing: whoever comes first fetches the weights from the disk, and that would be the full model.
    private func warmUp() {
        let stack = model.stack
        let tokens = (0..<64).map { Token($0 % stack.vocabularySize) }
        let pass = ForcedPass(stack, nil)
        _ = try? pass.run([ForcedRows(pass.makeState(), tokens, questions: tokens.map { _ in [] })])
    }
}
