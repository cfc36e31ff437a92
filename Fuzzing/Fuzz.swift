// What libFuzzer calls with each input, compiled together with the files of the tests that read it. The environment variable FUZZ
// says which reader gets the input.
import Foundation

private let name = ProcessInfo.processInfo.environment["FUZZ"] ?? ""
private let reader = Exercise.Reader(rawValue: name)

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    // A refusal is fine; whatever ends the process is a find.
    if let reader {
        try? Exercise.read(bytes, with: reader)
    } else {
        precondition(name == "tokenizer", "FUZZ must be safetensors, gguf, json or tokenizer")
        try? TokenizerExercise.read(bytes)
    }
    return 0
}
