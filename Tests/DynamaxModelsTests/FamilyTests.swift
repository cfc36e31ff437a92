import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import TestSupport
import Testing

// Oracle: transformers in f32, through the answers beside each reference checkpoint.

@Suite struct FamilyTests {
    @Test("hidden rows, logits and exit logits equal transformers'", arguments: ReferenceModel.all)
    func matchesReference(_ reference: ReferenceModel) throws {
        let device = try Device(threads: 2)
        let model = try reference.load(on: device)
        let expected = try reference.expected()
        let tokens = try reference.tokens()

        let state = model.stack.makeState(history: 0)
        var hidden = model.stack.embed(tokens)
        var hiddens = [hidden.array]
        var exitLogits: [Float] = []
        for layer in 0..<model.stack.layerCount {
            hidden = model.stack.run(layer..<layer + 1, hidden, Batch(state, rows: tokens.count))
            hiddens.append(hidden.array)
            exitLogits += model.stack.head(hidden).array
        }
        let size = tokens.count * model.stack.width
        let expectedHidden = try expected.require("hidden").floats()
        for layer in hiddens.indices {
            let rows = Array(expectedHidden[layer * size..<(layer + 1) * size])
            #expect(relativeError(hiddens[layer], rows) < 1e-4, "hidden \(layer)")
        }
        #expect(relativeError(exitLogits, try expected.require("exit_logits").floats()) < 1e-4)
        let logits = model.stack.head(hidden)
        #expect(relativeError(logits.array, try expected.require("logits").floats()) < 1e-4)
    }

    @Test("greedy tokens equal transformers'", arguments: ReferenceModel.all)
    func greedyMatchesReference(_ reference: ReferenceModel) throws {
        let model = try reference.load(on: Device(threads: 1))
        let expected = try reference.expected().require("greedy").integers().map(Token.init)
        let state = model.stack.makeState(history: 0)
        var input = try reference.tokens()
        var produced: [Token] = []
        while produced.count < expected.count {
            let hidden = model.stack.run(
                0..<model.stack.layerCount, model.stack.embed(input), Batch(state, rows: input.count))
            let summary = model.stack.head(hidden.rows(input.count - 1..<input.count)).summarizedLogits()
            input = [try #require(summary[0].argmax)]
            produced += input
        }
        #expect(produced == expected)
    }
}
