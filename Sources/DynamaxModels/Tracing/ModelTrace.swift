import DynamaxFormats
public import DynamaxTensor

/// All that a model computes for a prompt, layer by layer: what exit heads are trained on and families are checked with.
public struct ModelTrace {
    private let tokens: [Token]
    private var hidden: [Float] = []
    private var exitLogits: [Float] = []
    private let logits: [Float]
    private let greedy: [Token]
    private let stack: any LayerStack

    /// Runs a prompt.
    ///
    /// - Parameters:
    ///   - model: whose layers are traced.
    ///   - tokens: the prompt.
    ///   - continuation: tokens to go on by, with the most probable one each time.
    /// - Throws: `GenerationError` as `Generation` does.
    public init(_ model: LanguageModel, tokens: [Token], continuation: Int) throws {
        stack = model.stack
        let numbers =
            Double(stack.layerCount + 1) * Double(tokens.count) * Double(stack.width + stack.vocabularySize)
        guard numbers * 4 < MemoryBudget.machine else { throw GenerationError.traceTooLarge(tokens: tokens.count) }
        // Checks the prompt as well.
        var generation = try Generation(
            model, FullDepthDecoder(model.stack), prompt: tokens,
            limits: Generation.Limits(tokens: max(continuation, 0)))
        var greedy: [Token] = []
        while let output = try generation.next() { greedy.append(output.token) }

        self.tokens = tokens
        self.greedy = greedy
        let state = stack.makeState(history: 0)
        var rows = stack.embed(tokens)
        hidden += rows.array
        var last = rows
        for layer in 0..<stack.layerCount {
            rows = stack.run(layer..<layer + 1, rows, Batch(state, rows: tokens.count))
            hidden += rows.array
            last = stack.head(rows)
            exitLogits += last.array
        }
        logits = last.array
        for (position, summary) in last.summarizedLogits().enumerated() where summary.argmax == nil {
            throw GenerationError.notANumber(position: position)
        }
    }

    /// Writes a safetensors file.
    ///
    /// It holds tokens [T] i32, hidden [L + 1, T, D] f32 (0: the embedding's output, i: after layer i, before the final norm), logits
    /// [T, V], exit_logits [L, T, V] (norm and head after each layer), and greedy [n] i32, the continuation.
    ///
    /// - Parameters:
    ///   - path: replaced only when all has been written.
    ///   - model: the name to note in the metadata.
    public func write(to path: String, model: String) throws {
        let (layers, rows, vocabulary) = (stack.layerCount, tokens.count, stack.vocabularySize)
        var writer = SafetensorsWriter(metadata: ["model": model])
        writer.add("tokens", integers: tokens, shape: [rows])
        writer.add("hidden", hidden, shape: [layers + 1, rows, stack.width])
        writer.add("logits", logits, shape: [rows, vocabulary])
        writer.add("exit_logits", exitLogits, shape: [layers, rows, vocabulary])
        writer.add("greedy", integers: greedy, shape: [greedy.count])
        try writer.write(to: path)
    }
}
