// Speed of loading, encoding and decoding: swift run -c release TokenizerBenchmark TOKENIZER TEXT
import DynamaxText
import Foundation

guard CommandLine.arguments.count == 3 else {
    print("usage: TokenizerBenchmark TOKENIZER TEXT")
    exit(64)
}

/// The least of some times, in seconds.
func time(_ repetitions: Int, _ body: () throws -> Void) rethrows -> Double {
    var best = Double.infinity
    for _ in 0..<repetitions {
        let start = ContinuousClock.now
        try body()
        let duration = (ContinuousClock.now - start).components
        best = min(best, Double(duration.seconds) + Double(duration.attoseconds) * 1e-18)
    }
    return best
}

let text = try String(contentsOfFile: CommandLine.arguments[2], encoding: .utf8)
let load = try time(3) { _ = try Tokenizer(at: CommandLine.arguments[1]) }
let tokenizer = try Tokenizer(at: CommandLine.arguments[1])
var tokens: [Int32] = []
let encode = time(5) { tokens = tokenizer.encode(text) }
let decode = try time(5) { _ = try tokenizer.decode(tokens) }
let megabytes = Double(text.utf8.count) / 1e6
print(
    String(
        format: "load %.3f s; %.2f MB, %d tokens; encode %.1f MB/s; decode %.1f MB/s", load, megabytes, tokens.count,
        megabytes / encode, megabytes / decode))
