import ArgumentParser
import DynamaxEvaluation
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Puts tasks to a model, with the full model and with exits: accuracy, consistency and compute.",
        discussion: """
            Prompts, stops and scores are those of lm-evaluation-harness \(TaskCatalogue.harnessVersion). The folder gets run.json, \
            items.jsonl and rows.jsonl, a line for each answer as it comes, and in the end report.html, results.csv and \
            results.json; the same command goes on with a run that was interrupted.

            A policy is off, an exit as --exit of generate takes it (softmax:0.9, depth:4, heads:FILE@T: it decides what is written \
            and scored), exact:EXIT (verified), or bounded:FILE (a certificate). :layers=3,4, :state=RULE (none) and :drafts=N (exact) may follow. A file \
            of policies has one a line. The full model always runs first.
            """)

    @OptionGroup var options: ModelOptions

    @Option(help: ArgumentHelp("Tasks, separated by commas, or all.", valueName: "tasks"))
    var tasks: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Files or folders of documents, or TASK=FILE, or TASK=FILE,EXAMPLES; by default the cache of the Hugging Face hub.",
            valueName: "places"))
    var data: [String] = []

    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("Policies, or files of them.", valueName: "policies"))
    var policies: [String] = []

    @Option(name: .shortAndLong, help: "The folder to write, or to go on with.")
    var output: String?

    @Option(help: "Ask only the first so many documents of each task.")
    var limit: Int?

    @Option(help: "Solved examples before each question; by default the task's own number.")
    var fewShot: Int?

    @Option(help: "The seed of the draw of solved examples.")
    var seed: UInt32 = 1234

    @Option(
        help: """
            Tokens that a question and its answer may have together; longer questions lose their beginning. By default the \
            model's context, or 2048 where it has none.
            """)
    var maxLength: Int?

    @Option(
        help: """
            Items that run together at most, which changes no answer. Policies with exact: or :state= write one text at a time all the \
            same; 1 writes all so, as one user sees it, which makes their speeds comparable.
            """)
    var batch = 64

    @Flag(help: "Throw away a run that is in the folder.")
    var force = false

    @Flag(help: "List the tasks.")
    var list = false

    @Flag(help: "Print results.json.")
    var json = false

    func validate() throws {
        guard !list else { return }
        guard !taskNames.isEmpty else { throw ValidationError("--tasks says what to ask; --list names all tasks") }
        guard let output, !output.isEmpty else { throw ValidationError("--output must name a folder") }
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more, not \(limit)") }
        if let fewShot, !(0...1000).contains(fewShot) {
            throw ValidationError("--few-shot must be 0 to 1000, not \(fewShot)")
        }
        if batch < 1 { throw ValidationError("--batch must be 1 or more, not \(batch)") }
        if let maxLength, maxLength < 2 { throw ValidationError("--max-length must be 2 or more, not \(maxLength)") }
    }

    func run() throws {
        guard !list, let output else { return try write(TaskList().text) }
        let tasks = try chosenTasks()
        let specifications = try PolicySpecification.all(policies)
        let loaded = try options.load()
        let fingerprint = try loaded.files.fingerprint()
        let tokenizer = try Tokenizer(loaded.files)
        let stops = Set(
            try tokenizer.eosTokens + GenerationConfig(loaded.files).eos.compactMap(Token.init(exactly:)))
        let evaluation = try Evaluation(
            loaded.model, HarnessTokens(tokenizer, limit: length(loaded.model)), stopTokens: stops,
            policies: specifications.map { try EvaluationPolicy($0, loaded.model, fingerprint: fingerprint) },
            tasks: tasks, batch: batch)
        let store = try RunStore(
            output,
            manifest: evaluation.manifest(
                model: options.model, fingerprint: fingerprint, version: Dynamax.configuration.version),
            items: evaluation.items, force: force)
        let progress = EvaluationProgress(tasks: tasks.count)
        let work = try evaluation.run(into: store) { progress.show($0) }
        progress.finish(work, layers: loaded.model.stack.layerCount)
        let report = RunReport(try EvaluationRun(contentsOf: store.path))
        try report.write(to: store.path)
        try write(json ? report.json : EvaluationTable(report.statistics).text + "\n")
        note("\(store.path)/report.html has the report, rows.jsonl each answer")
    }

    private var taskNames: [Substring] { (tasks ?? "").split { $0 == "," || $0.isWhitespace } }

    private func chosenTasks() throws -> [Evaluation.Task] {
        let places = try DataPlaces(data)
        let options = TaskOptions(limit: limit, fewShot: fewShot, seed: seed)
        let found: [any EvaluationTask] =
            taskNames == ["all"]
            ? TaskCatalogue.all
            : try taskNames.map { name in try TaskCatalogue.task(String(name)) }
        var seen: Set<String> = []
        return try found.filter { seen.insert($0.name).inserted }.map { task in
            let data = try places.documents(of: task)
            return Evaluation.Task(task, try task.items(from: data, options: options), data: data, options: options)
        }
    }

    private func length(_ model: LanguageModel) throws -> Int {
        guard let maxLength else { return model.context ?? 2048 }
        if let context = model.context, maxLength > context {
            throw ValidationError("--max-length is at most the model's context of \(context), not \(maxLength)")
        }
        return maxLength
    }
}
