// What libFuzzer calls with each input. The environment variable FUZZ says which reader gets it.
import DynamaxFormats
import Foundation

private let reader = ProcessInfo.processInfo.environment["FUZZ"]

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    // A refusal is fine; anything else that ends the process is a find.
    switch reader {
    case "safetensors": try? readSafetensors(bytes)
    case "gguf": try? readGGUF(bytes)
    case "json": try? readJSON(bytes)
    default: preconditionFailure("FUZZ must be safetensors, gguf or json")
    }
    return 0
}

private func readSafetensors(_ bytes: [UInt8]) throws {
    let file = try SafetensorsFile(bytes, location: "input")
    _ = file.metadata
    readAll(file)
}

private func readGGUF(_ bytes: [UInt8]) throws {
    let file = try GGUFFile(MemoryBytes(bytes, location: "input"))
    let metadata = file.metadata
    for key in metadata.keys {
        _ = try? metadata.int(key)
        _ = try? metadata.double(key)
        _ = try? metadata.bool(key)
        _ = try? metadata.string(key)
        _ = try? metadata.ints(key)
        _ = try? metadata.floats(key)
        _ = try? metadata.bools(key)
        _ = try? metadata.optionalNestedInts(key)
        if let strings = try? metadata.strings(key) { for index in strings.indices { _ = strings.text(index) } }
    }
    _ = try? GenerationConfig(metadata)
    readAll(file)
}

private func readAll(_ source: some TensorSource) {
    for name in source.tensorNames {
        guard let tensor = try? source.tensor(name) else { continue }
        precondition((try? tensor.floats())?.count ?? tensor.count == tensor.count)
        precondition((try? tensor.integers())?.count ?? tensor.count == tensor.count)
        tensor.release()
    }
}

private func readJSON(_ bytes: [UInt8]) throws {
    let value = try JSON(parsing: bytes, name: "input")
    // What is written must be readable, and be written the same way again.
    let text = value.description
    let again = try? JSON(parsing: text, name: "text")
    precondition(again?.description == text)
    let node = JSONNode(value, location: "input")
    _ = try? GenerationConfig([node])
    _ = try? node.int()
    _ = try? node.double()
    if case .object(let object) = value {
        for (key, _) in object {
            precondition(object[key] != nil)
            _ = try? node.int(key)
            _ = try? node.double(key)
            _ = try? node.array(key).map { try $0.int() }
        }
    }
}
