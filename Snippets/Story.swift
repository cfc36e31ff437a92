import DynamaxDepth
import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import DynamaxText

let files = try CheckpointFiles(CommandLine.arguments[1])
let tokenizer = try Tokenizer(files)
let model = try LanguageModel(files, on: Device())

// Tokens leave before the last layer where the one before is sure. FullDepthDecoder(model.stack) runs all layers.
let layers = model.stack.layerCount
let policy = try ExitPolicy(.softmax(0.9), after: [layers - 1], of: layers)
let decoder = EarlyExitDecoder(model.stack, policy)

let prompt = tokenizer.encode("Once upon a time")
let limits = Generation.Limits(tokens: 200, stopTokens: Set(tokenizer.eosTokens))
var generation = try Generation(model, decoder, prompt: prompt, limits: limits)
var text = StreamingDetokenizer(tokenizer)
for token in prompt { print(text.append(token), terminator: "") }
while let next = try generation.next() { print(text.append(next.token), terminator: "") }
print(text.finish())
