// Writes some tokens with a bundled model, in a process of its own, and prints how many allocations those from 20 to before 40 took,
// of all threads and libraries. A second argument says how they are drawn: greedy, sampled, or drafted by exits.
import CAllocations
import DynamaxBundledModels
import DynamaxDepth
import DynamaxFormats
import DynamaxModels
import DynamaxTensor

let arguments = CommandLine.arguments
let model = try LanguageModel(CheckpointFiles(BundledModel(rawValue: arguments[1])!.folder()), on: Device(threads: 2))
let layers = model.stack.layerCount
let decoder: any Decoder =
    switch arguments[2] {
    case "drafted":
        try SelfSpeculativeDecoder(
            model.stack, ExitPolicy(.margin(0.2), after: [layers / 2], of: layers), drafts: .fixed(4))
    default: FullDepthDecoder(model.stack)
    }
let sampling = arguments[2] == "sampled" ? Sampling(temperature: 0.8, topK: 40, topP: 0.95) : .greedy

var generation = try Generation(
    model, decoder, prompt: [1, 2, 3], sampling: sampling, limits: Generation.Limits(tokens: 60))
for _ in 0..<20 { _ = try generation.next() }
let before = allocations()
for _ in 20..<40 { _ = try generation.next() }
let after = allocations()
print(before < 0 ? "uncounted" : String(after - before))
