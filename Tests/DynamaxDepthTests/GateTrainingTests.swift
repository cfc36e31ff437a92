import DynamaxDepth
import DynamaxFormats
import DynamaxLayers
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracles: central differences; the full model's text, bit for bit; the limits of the weight of costs.

@Suite struct GateTrainingTests {
    private static func trace(_ model: LanguageModel, texts: Int, seed: UInt64) -> ExitTrace {
        var random = Seeded(seed)
        var trace = ExitTrace(layers: [1, 2], layerCount: model.stack.layerCount, width: model.stack.width)
        for _ in 0..<texts {
            trace.add((0..<24).map { _ in Token.random(in: 3..<96, using: &random) }, model)
        }
        return trace
    }

    private func trainer(
        _ model: LanguageModel, costWeight: Float = 0.5, modules: ModuleLoss? = .detached, steps: Int = 40,
        period: Int = 15, balances: Bool = false
    ) throws -> GateTrainer {
        var settings = GateTrainer.Settings()
        (settings.costWeight, settings.modules, settings.steps) = (costWeight, modules, steps)
        (settings.period, settings.batch, settings.balances) = (period, 96, balances)
        return try GateTrainer(
            Self.trace(model, texts: 24, seed: 1), held: Self.trace(model, texts: 6, seed: 2), model.stack,
            model: "digest", settings: settings)
    }

    private func written(_ trainer: GateTrainer, _ model: LanguageModel, _ folder: TemporaryFolder) throws -> ExitHeads
    {
        let path = "\(folder.path)/gates.safetensors"
        try trainer.heads.write(trainer.parameters, to: path)
        return try ExitHeads(contentsOf: path, on: model.stack.device)
    }

    @Test("gradients pass through a frozen model's norm and head", arguments: ["llama-gqa", "mamba2-groups"])
    func frozen(_ name: String) throws {
        let model = try ReferenceModel.named(name).load(quantization: .f32, on: Device(threads: 1))
        let (stack, rows) = (model.stack, 5)
        var random = Seeded(3)
        let targets = (0..<rows).map { _ in Token.random(in: 3..<96, using: &random) }
        let x = random.floats(rows * stack.width).map { 3 * $0 }
        let direction = random.floats(x.count)
        func loss(_ distance: Float) -> Tensor {
            let moved = zip(x, direction).map { $0 + distance * $1 }
            let hidden = Tensor(moved, Shape(rows: rows, columns: stack.width), on: stack.device).parameter
            return stack.device.recording {
                let loss = stack.head(hidden).crossEntropy(targets: targets)
                let slope = loss.backward()[hidden].map { zip($0.array, direction).reduce(0) { $0 + $1.0 * $1.1 } }
                return Tensor([loss.array[0], slope ?? .nan], [2], on: stack.device)
            }
        }
        let expected = (loss(5e-3).array[0] - loss(-5e-3).array[0]) / 1e-2
        #expect(abs(loss(0).array[1] - expected) < 1e-2 * max(1, abs(expected)))
    }

    @Test("gradients of modules are central differences", arguments: ModuleLoss.allCases)
    func differences(_ kind: ModuleLoss) throws {
        let model = try ReferenceModel.named("llama-gqa").load(quantization: .f32, on: Device(threads: 1))
        let trainer = try trainer(model, modules: kind, steps: 8)
        trainer.run()
        let places = (0..<40).map { (text: $0 % 20, row: $0 / 2) }
        let base = trainer.moduleLoss(at: places)
        var random = Seeded(5)
        let moving = trainer.parameters.entries.filter { $0.parameters[0].name.contains("translator") }
        let directions = moving.map { random.floats($0.tensor.shape.count).map { 0.05 * $0 } }
        func loss(_ distance: Float, weights: [[Float]]?) -> Float {
            func move(_ sign: Float) {
                for (entry, direction) in zip(moving, directions) {
                    entry.tensor.update { numbers in
                        for index in numbers.indices { numbers[index] += sign * distance * direction[index] }
                    }
                }
            }
            move(1)
            defer { move(-1) }
            return trainer.moduleLoss(at: places, weights: weights).loss
        }
        var slope: Float = 0
        for (entry, direction) in zip(moving, directions) {
            let gradient = try #require(base.gradients.compactMap { $0[entry.tensor] }.first)
            slope += zip(gradient.array, direction).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let expected = (loss(0.05, weights: base.weights) - loss(-0.05, weights: base.weights)) / 0.1
        #expect(abs(slope - expected) < 2e-2 * abs(expected), "\(slope), \(expected)")
        guard kind == .released else { return }
        // What the gates say does not matter: the mean cross entropy has the same gradient, however they move with it.
        let uniform = trainer.moduleLoss(at: places, weights: base.weights.map { $0.map { _ in 1 / Float(2 * 40) } })
        #expect(abs(uniform.loss - base.loss) < 1e-4 * base.loss)
        for entry in moving {
            let (a, b) = ([base, uniform].map { $0.gradients.compactMap { $0[entry.tensor]?.array }.first }, 1e-4)
            #expect(relativeError(try #require(a[0]), try #require(a[1])) < Float(b))
        }
        let whole = (loss(0.05, weights: nil) - loss(-0.05, weights: nil)) / 0.1
        #expect(abs(slope - whole) < 2e-2 * abs(whole))
    }

    @Test("training lowers the losses and the objective")
    func learning() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 2))
        let held = Self.trace(model, texts: 8, seed: 9)
        let before = try trainer(model, steps: 1)
        let trainer = try trainer(model, steps: 160, period: 10)
        var losses: [GateTrainer.Phase: [Float]] = [:]
        trainer.run { _, phase, loss in losses[phase, default: []].append(loss) }
        #expect(losses[.warmUp]?.count == 40 && losses[.gates]?.count == 60 && losses[.modules]?.count == 60)
        for (phase, values) in losses {
            let (first, last) = (values.prefix(5).reduce(0, +), values.suffix(5).reduce(0, +))
            #expect(last < first, "\(phase)")
        }
        func objective(_ heads: ExitHeads) -> Double {
            GateEvaluation(held, heads, model.stack, costWeight: 0.5).objective().value
        }
        #expect(objective(trainer.heads) < objective(before.heads))
        let evaluation = GateEvaluation(held, trainer.heads, model.stack, costWeight: 0.5)
        #expect(evaluation.least.value <= evaluation.objective().value)
        for exit in 0...2 { #expect(evaluation.least.value <= evaluation.objective(exit: exit).value + 1e-9) }
    }

    @Test("the larger the weight of costs, the fewer layers", arguments: [nil, ModuleLoss.released])
    func costWeights(_ modules: ModuleLoss?) throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 2))
        let held = Self.trace(model, texts: 8, seed: 9)
        let costs = try [0, 1, 4, 1e3].map { (weight: Float) in
            let trainer = try trainer(model, costWeight: weight, modules: modules)
            trainer.run()
            let evaluation = GateEvaluation(held, trainer.heads, model.stack, costWeight: weight)
            let least = evaluation.least
            if weight == 1e3 { #expect(least.depth == 1 && evaluation.objective().depth == 1) }
            return (evaluation.objective().cost, least.cost)
        }
        for (a, b) in zip(costs, costs.dropFirst()) { #expect(a.0 >= b.0 - 1e-9 && a.1 >= b.1 - 1e-9) }
        #expect(costs[0].0 > costs[3].0)
    }

    @Test("costs count the checks on the way")
    func costs() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        let heads = try trainer(model).heads
        #expect(ExitCosts.layers.values(heads, of: model.stack) == [1 / 3, 2 / 3, 1])
        let ledger = ExitCosts.ledger.values(heads, of: model.stack)
        #expect(ledger.count == 3 && ledger[0] < ledger[1] && ledger[1] < ledger[2])
        // The last layer's token has paid for two exits as well.
        let stack = model.stack
        let full = (0..<3).reduce(stack.headCost) { $0 + stack.cost(ofLayer: $1, position: 0) }
        let exits = [1, 2].reduce(Cost()) { $0 + heads.heads[$1]!.cost + stack.headCost }
        #expect(abs(ledger[2] - Float(full.bytes + exits.bytes) / Float(full.bytes)) < 1e-6)
    }

    @Test("class weights are counted on the texts for them, from the second phase of gates on")
    func classWeights() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        func losses(_ balances: Bool) throws -> [Float] {
            let trainer = try trainer(model, modules: nil, steps: 12, period: 6, balances: balances)
            var losses: [Float] = []
            trainer.run { losses.append($2) }
            return losses
        }
        let (plain, balanced) = (try losses(false), try losses(true))
        #expect(plain.prefix(6) == balanced.prefix(6))
        #expect(plain[6] != balanced[6])
    }

    @Test(
        "with gates, exact is the full model", arguments: ["llama-gqa", "mamba2-groups"], [nil, ModuleLoss.detached])
    func exact(_ name: String, _ modules: ModuleLoss?) throws {
        let model = try ReferenceModel.named(name).load(on: Device(threads: 2))
        let trainer = try trainer(model, modules: modules)
        trainer.run()
        let heads = try written(trainer, model, TemporaryFolder())
        #expect(heads.manifest == trainer.heads.manifest)
        #expect(heads.manifest.kind == .gate(translates: modules != nil))
        let sampling = Sampling(temperature: 0.4, seed: 2)
        func write(_ decoder: any Decoder) throws -> (tokens: [Token], ledger: Ledger) {
            var generation = try Generation(
                model, decoder, prompt: [5, 9, 40, 7], sampling: sampling, limits: .init(tokens: 40))
            var tokens: [Token] = []
            while let choice = try generation.next() { tokens.append(choice.token) }
            #expect(generation.state.isConsistent)
            return (tokens, generation.ledger)
        }
        let full = try write(FullDepthDecoder(model.stack))
        for threshold: Float in [0.1, 0.5, 2] {
            let policy = try ExitPolicy(.heads(threshold), heads: heads, of: 3)
            #expect(try write(SelfSpeculativeDecoder(model.stack, policy, drafts: .fixed(4))).tokens == full.tokens)
            let own = try write(EarlyExitDecoder(model.stack, policy))
            // Each check takes the head; a token that no exit lets go takes it once more.
            if threshold == 2 {
                #expect(own.tokens == full.tokens)
                #expect(own.ledger.headRows == full.ledger.headRows + own.ledger.exitHeadRows)
            }
        }
    }

    @Test("decoding leaves where the hazards say, with the token of the translated row", arguments: [0.4, 0.5, 0.6])
    func decoding(_ threshold: Float) throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        let stack = model.stack
        let trainer = try trainer(model, costWeight: 1)
        trainer.run()
        let heads = try written(trainer, model, TemporaryFolder())
        var decoder = EarlyExitDecoder(stack, try ExitPolicy(.heads(threshold), heads: heads, of: 3))
        var random = Seeded(6)
        for _ in 0..<20 {
            let prompt = (0..<6).map { _ in Token.random(in: 3..<96, using: &random) }
            let state = decoder.makeState(history: 0)
            _ = decoder.prefill(Array(prompt.dropLast()), state)
            // The same by hand, in one go through all layers.
            let batch = Batch(stack.makeState(history: 0), rows: prompt.count)
            var rows = stack.embed(prompt)
            var (gates, logits): ([Float], [Tensor]) = ([], [])
            for layer in 1...2 {
                rows = stack.run(layer - 1..<layer, rows, batch)
                let (head, row) = (try #require(heads.heads[layer]), rows.rows(5..<6))
                let exit = stack.head(head.translate(row))
                gates.append(1 / (1 + exp(-head(row, ExitHeadContext(logits: exit)).array[0])))
                logits.append(exit)
            }
            logits.append(stack.head(stack.run(2..<3, rows, batch).rows(5..<6)))
            let step = decoder.step(prompt[5], state)
            let exit = ExitHazards.exit(gates, threshold: threshold)
            #expect(step.layer == exit.map { $0 + 1 } ?? 3)
            #expect(step.logits.array == logits[exit ?? 2].array)
            if let exit { #expect(abs(step.score! - ExitHazards.hazards(gates)[exit]) < 1e-5) }
        }
    }

    @Test("files that do not fit are refused")
    func refusals() throws {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 1))
        let folder = try TemporaryFolder()
        let heads = try written(trainer(model), model, folder)
        try heads.check(fingerprint: "digest", model.stack, path: "gates")
        #expect(throws: FormatError.self) { try heads.check(fingerprint: "other", model.stack, path: "gates") }
        let path = "\(folder.path)/gates.safetensors"
        let text = try String(contentsOf: URL(fileURLWithPath: path), encoding: .isoLatin1)
        for (old, new) in [
            (#"\"rule\":\"hazard\""#, #"\"rule\":\"chance\""#), (#"\"translator\":true"#, #"\"translator\":1234"#),
            ("translator.weight", "translater.weight"),
        ] {
            #expect(text.contains(old), "\(old)")
            let changed = text.replacingOccurrences(of: old, with: new)
            try changed.write(toFile: "\(folder.path)/changed.safetensors", atomically: true, encoding: .isoLatin1)
            #expect(throws: FormatError.self) {
                try ExitHeads(contentsOf: "\(folder.path)/changed.safetensors", on: model.stack.device)
            }
        }
    }
}
