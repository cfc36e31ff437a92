// What libFuzzer calls with each input, compiled together with Tests/TestSupport/Exercise.swift. The environment variable FUZZ
// says which reader gets the input.
import DynamaxFormats
import DynamaxText
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
        try? readTokenizer(bytes)
    }
    return 0
}

private func readTokenizer(_ bytes: [UInt8]) throws {
    let json = JSONNode(try JSON(parsing: bytes, name: "tokenizer.json"), location: "tokenizer.json")
    let tokenizer = try Tokenizer(json: json)
    for text in ["", "Once upon a time, there was a 😀.\n\n  1234 don't", "<s>\u{0}\u{FFFD}e\u{301}é</s>"] {
        let tokens = tokenizer.encode(text)
        _ = try tokenizer.decode(tokens)
        _ = try tokenizer.decode(tokens.reversed(), skipSpecialTokens: false)
    }
}
