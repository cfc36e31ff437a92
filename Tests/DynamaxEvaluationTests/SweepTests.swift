import DynamaxDepth
import DynamaxEvaluation
import DynamaxFormats
import DynamaxLayers
import DynamaxModels
import DynamaxTensor
import Foundation
import TestSupport
import Testing

// Oracles: the full model's texts, the simulation of exits that heads are trained with, and Foundation's readers of JSON and XML.

@Suite struct SweepTests {
    private static let prompts: [[Token]] = [[5, 6], [9], [40, 3, 77], [12, 13, 14, 15]]
    private static let limits = Generation.Limits(tokens: 24)

    private func sweep(
        _ name: String = "llama-gqa", layers: [Int]? = [1, 2], rules: [StateRule] = [.deferred, .project]
    ) throws -> Sweep {
        try Sweep(
            ReferenceModel.named(name).load(on: Device(threads: 2)), prompts: Self.prompts, limits: Self.limits,
            exits: [.init(.softmax), .init(.entropy)], layers: layers, rules: rules, points: 3, repetitions: 1)
    }

    @Test("each exit has a point under each guarantee and rule", arguments: ["llama-gqa", "mamba2-groups"])
    func points(_ name: String) throws {
        var (count, seen) = (0, 0)
        let result = try sweep(name).run { event in
            switch event {
            case .begun(let points): count = points
            case .point: seen += 1
            }
        }
        #expect(count == result.points.count && seen == count)
        // Two fixed depths and three thresholds of two kinds; none by two rules, and exact.
        #expect(count == 8 * 3)
        for point in result.points {
            let figures = point.figures
            #expect(figures.prompts == 4 && figures.tokensPerSecond > 0 && figures.fullTokensPerSecond > 0)
            #expect((1...3).contains(figures.depth.value) && figures.bytes.value > 0)
            if point.guarantee == .exact {
                #expect(figures.tokenF1 == Estimate(1, interval: 1...1) && figures.exactMatch.value == 1)
                #expect(figures.firstDivergence.value == 24)
            }
            #expect(figures.consistency.value <= figures.oracleConsistency + 1e-9)
            if point.kind == "depth", point.guarantee == .none {
                #expect(figures.depth.value == Double(point.exit.suffix(1)))
                #expect(abs(figures.consistency.value - figures.fixedConsistency) < 1e-9)
            }
        }
    }

    @Test("figures of texts are those of the texts")
    func texts() throws {
        let sweep = try sweep()
        let result = try sweep.run()
        let point = try #require(result.points.first { $0.exit == "depth:1" && $0.guarantee == .none })
        let policy = try ExitPolicy(.depth(1), of: 3)
        var (f1, rouge, first, bytes) = (0.0, 0.0, 0, 0)
        for prompt in Self.prompts {
            func write(_ decoder: any DynamaxModels.Decoder) throws -> (tokens: [Token], ledger: Ledger) {
                var generation = try Generation(sweep.model, decoder, prompt: prompt, limits: Self.limits)
                var tokens: [Token] = []
                while let choice = try generation.next() { tokens.append(choice.token) }
                return (tokens, generation.ledger)
            }
            let full = try write(FullDepthDecoder(sweep.model.stack)).tokens
            let (own, ledger) = try write(EarlyExitDecoder(sweep.model.stack, policy))
            f1 += 1 - Divergence.tokenF1.value(own, from: full)
            rouge += 1 - Divergence.rougeL.value(own, from: full)
            first += zip(own, full).prefix { $0 == $1 }.count
            bytes += ledger.cost.bytes
        }
        #expect(abs(point.figures.tokenF1.value - f1 / 4) < 1e-12)
        #expect(abs(point.figures.rougeL.value - rouge / 4) < 1e-12)
        #expect(point.figures.firstDivergence.value == Double(first) / 4)
        #expect(point.figures.bytes.value == Double(bytes) / (4 * 23))
    }

    @Test("what exits say is what the simulation for heads says")
    func simulation() throws {
        let sweep = try sweep(rules: [.deferred])
        let result = try sweep.run()
        var trace = ExitTrace(layers: [1, 2], layerCount: 3, width: sweep.model.stack.width)
        for prompt in Self.prompts {
            let text = try WrittenText(
                sweep.model, FullDepthDecoder(sweep.model.stack), prompt: prompt, limits: Self.limits)
            trace.add(prompt + text.tokens.dropLast(), sweep.model)
        }
        // The simulation looks at all rows; the prompts' are taken out.
        for point in result.points where point.kind == "softmax" && point.guarantee == .none {
            let threshold = Float(try #require(point.threshold))
            var (depth, agreeing) = (0, 0)
            for (sequence, prompt) in zip(trace.sequences, Self.prompts) {
                for row in prompt.count - 1..<sequence.rows {
                    let exit = [1, 2].first { (sequence.views[$0]?[row].maximum ?? 0) >= threshold }
                    depth += exit ?? 3
                    agreeing += exit.map { sequence.views[$0]?[row].rank == 0 } ?? true ? 1 : 0
                }
            }
            #expect(abs(point.figures.forcedDepth.value - Double(depth) / 96) < 1e-9)
            #expect(abs(point.figures.consistency.value - Double(agreeing) / 96) < 1e-9)
        }
    }

    @Test("the table, the object and the page say the same")
    func files() throws {
        let result = try sweep().run()
        let temporary = try TemporaryFolder()
        let folder = try SweepFolder(temporary.path + "/sweep/")
        for point in result.points { try folder.append(point) }
        try folder.finish(result, SweepPage(result, facts: [("model", "<b> & c")]))
        let table = try String(contentsOfFile: temporary.path + "/sweep/sweep.csv", encoding: .utf8)
        let lines = table.split(separator: "\r\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let json = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(fileURLWithPath: temporary.path + "/sweep/sweep.json")))
        let points = try #require((json as? [String: Any])?["points"] as? [[String: Any]])
        #expect(lines.count == points.count + 1)
        for (line, point) in zip(lines.dropFirst(), points) {
            #expect(line.count == lines[0].count && Set(lines[0].map(String.init)) == Set(point.keys))
            for (name, cell) in zip(lines[0], line) {
                switch point[String(name)] {
                case let text as String: #expect(text == cell)
                case is NSNull: #expect(cell.isEmpty)
                case let number as NSNumber:
                    let value = ["true": 1, "false": 0][cell] ?? Double(cell)
                    // Foundation reads some numbers one bit off.
                    #expect(value.map { abs(number.doubleValue - $0) <= 1e-12 * abs($0) } == true)
                default: Issue.record("\(name) is missing")
                }
            }
        }
        let xml = try XML(String(contentsOfFile: temporary.path + "/sweep/report.html", encoding: .utf8))
        #expect(xml.text.contains("<b> & c") && xml.references.isEmpty && xml.elements["figure"] ?? 0 >= 5)
        for point in result.points { #expect(xml.text.contains(point.exit)) }
    }

    @Test("cells with commas and quotes are quoted, as RFC 4180 has it")
    func quoting() throws {
        let result = try sweep(rules: [.deferred]).run()
        let point = try #require(result.points.first)
        let odd = SweepPoint(
            exit: "heads:a,\"b\".safetensors@0.5", kind: "line\nbreak", threshold: nil, guarantee: .none,
            state: .deferred, figures: point.figures)
        let temporary = try TemporaryFolder()
        try SweepFolder(temporary.path).append(odd)
        let table = try String(contentsOfFile: temporary.path + "/sweep.csv", encoding: .utf8)
        #expect(table.contains("\r\n\"heads:a,\"\"b\"\".safetensors@0.5\",\"line\nbreak\",,none,deferred,4,"))
    }

    @Test("what does not fit is refused")
    func unfit() throws {
        #expect(throws: ExitError.layer(9, layers: 3)) { try sweep(layers: [9]) }
        #expect(throws: ExitError.self) { try sweep(rules: [.skip]) }
        // An exit after the last layer is none.
        #expect(throws: ExitError.layer(3, layers: 2)) { try sweep(layers: [3]) }
        let temporary = try TemporaryFolder()
        _ = try SweepFolder(temporary.path)
        #expect(throws: FormatError.self) { try SweepFolder(temporary.path) }
        _ = try SweepFolder(temporary.path, force: true)
        #expect(throws: FormatError.self) { try SweepFolder(temporary.path + "/none/sweep") }
        #expect(throws: FormatError.self) { try SweepFolder(temporary.path + "/sweep.csv") }
    }
}
