// Oracle: the safetensors and gguf packages on the reference files in ../shared, through
// Tests/Fixtures/Scripts/make_checksums.py.
import DynamaxFormats
import Foundation
import TestSupport
import Testing

@Suite struct ReferenceFileTests {
    @Test(.enabled(if: Shared.has("models") && Shared.has("tokenizers/ggml-vocab")))
    func `reads the same numbers and strings as the packages`() throws {
        for (name, sums) in try JSONNode(contentsOf: Fixtures.url("checksums.json").path).object() {
            let path = Shared.url(name).path
            var count = 0
            var sum = 0
            func add(_ bytes: UnsafeRawBufferPointer) {
                count += 1
                sum += Int(crc32(bytes))
            }
            let source: any TensorSource
            if name.hasSuffix(".gguf") {
                let file = try GGUFFile(path)
                source = file
                for key in file.metadata.keys {
                    if let strings = try? file.metadata.strings(key) {
                        Array(strings.map { Array($0) + [0] }.joined()).withUnsafeBytes(add)
                    } else if let numbers = try? file.metadata.floats(key) {
                        numbers.map { Double($0) }.withUnsafeBytes(add)
                    }
                }
            } else {
                source = try SafetensorsFile(path)
            }
            for name in source.tensorNames {
                let tensor = try source.require(name)
                if tensor.type.isInteger {
                    try tensor.integers().withUnsafeBytes(add)
                } else {
                    try tensor.floats().withUnsafeBytes(add)
                }
                tensor.release()
            }
            #expect(try count == sums["count"].map { try JSONNode($0, location: name).int() }, "\(name)")
            #expect(try sum == sums["sum"].map { try JSONNode($0, location: name).int() }, "\(name)")
        }
    }

    @Test(
        .enabled(if: Shared.has("reference")),
        arguments: ["llama-gqa", "llama-tied", "mamba1", "mamba2-groups", "mistral-window"])
    func `opens reference checkpoints`(name: String) throws {
        let files = try CheckpointFiles(Shared.url("reference/\(name)").path)
        let config = try files.requireConfig()
        let width = try config.int("hidden_size")
        let tensors = try files.tensors()
        let embedding = try #require(tensors.tensorNames.first { $0.contains("embed") })
        #expect(try tensors.require(embedding).columns == width)
        #expect(try GenerationConfig(files).eos == [2])
        if let limits = try config.optionalArray("time_step_limit") { #expect(try limits[1].double() == .infinity) }
    }

    @Test(.enabled(if: Shared.has("tokenizers/gpt-neox_20B_tokenizer.json")))
    func `reads a large tokenizer`() throws {
        let tokenizer = try JSONNode(contentsOf: Shared.url("tokenizers/gpt-neox_20B_tokenizer.json").path)
        let model = try tokenizer.node("model")
        let vocabulary = try model.object("vocab")
        #expect(vocabulary.count == 50254)
        for (place, (token, id)) in vocabulary.enumerated().filter({ $0.offset % 1000 == 0 }) {
            guard case .integer(let id) = id, case .integer(id)? = vocabulary[token] else { throw CancellationError() }
            #expect(place == id)
        }
    }
}

/// The CRC-32 of zlib.
private func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var crc: UInt32 = ~0
    for byte in bytes { crc = crcTable[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ crc >> 8 }
    return ~crc
}

private let crcTable = (0..<256 as Range<UInt32>).map { number in
    (0..<8).reduce(number) { crc, _ in crc & 1 == 1 ? 0xEDB8_8320 ^ crc >> 1 : crc >> 1 }
}
