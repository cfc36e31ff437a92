import DynamaxFormats
import DynamaxModels
import DynamaxTensor

let files = try CheckpointFiles(CommandLine.arguments[1])
let model = try LanguageModel(files, quantization: .q8, on: Device())

let limits = Generation.Limits(tokens: 200)
var generation = try Generation(model, FullDepthDecoder(model.stack), prompt: [1, 3, 7], limits: limits)
while let output = try generation.next() {
    print(output.token, output.layer)
}
print(generation.ledger.cost.bytes)

// A prefill of three tokens through all layers, and what the head says after it: [3, vocabulary].
let stack = model.stack
let state = stack.makeState(history: 4)
let tokens: [Token] = [1, 3, 7]
let hidden = stack.run(0..<stack.layerCount, stack.embed(tokens), Batch(state, rows: tokens.count))
print(stack.head(hidden).shape)

// One row of that sequence and two of another, as one batch.
let other = stack.makeState(history: 0)
let batch = Batch([.init(state, rows: 1), .init(other, rows: 2)])
let rows = stack.run(0..<stack.layerCount, stack.embed([2, 1, 3]), batch)
print(rows.shape)

// A fork shares what is written so far. Recurrent layers can go back by `history` positions. Bytes hold all that a sequence
// needs to go on elsewhere.
let fork = state.fork()
try state.truncate(to: 2)
let moved = stack.makeState(history: 0)
try moved.restore(fork.serialize())
print(state.length, fork.length, moved.length)
