public import DynamaxFormats
import DynamaxTensor

/// Reads all that bytes hold, however odd they are: a reader may refuse them, and must survive them.
///
/// Shared by the tests that go through the corpus and by the fuzzer (see Fuzzing/README.md).
public enum Exercise {
    /// Which reader gets the bytes; the corpus has a folder for each.
    public enum Reader: String, CaseIterable, Sendable {
        case safetensors, gguf, json
    }

    /// Gives bytes to a reader.
    ///
    /// - Throws: the reader's refusal.
    public static func read(_ bytes: [UInt8], with reader: Reader) throws(FormatError) {
        switch reader {
        case .safetensors:
            let file = try SafetensorsFile(bytes, location: "input")
            readAll(file)
            if let packed = try file.packedTensors() { readAll(packed) }
        case .gguf:
            let file = try GGUFFile(MemoryBytes(bytes, location: "input"))
            readAll(file.metadata)
            readAll(file)
        case .json: readAll(try JSON(parsing: bytes, name: "input"))
        }
    }

    private static func readAll(_ source: some TensorSource) {
        for name in source.tensorNames {
            guard let tensor = try? source.tensor(name) else { continue }
            if let numbers = try? tensor.floats() { precondition(numbers.count == tensor.count) }
            if let numbers = try? tensor.integers() { precondition(numbers.count == tensor.count) }
            tensor.release()
        }
    }

    private static func readAll(_ packed: PackedTensors) {
        for name in packed.names {
            guard let matrix = packed.tensor(name) else { continue }
            var numbers = [Float](repeating: 0, count: matrix.rows * matrix.columns)
            matrix.copyRows(0..<matrix.rows, to: &numbers)
            matrix.copyRows(matrix.rows - 1..<matrix.rows, to: &numbers)
            precondition(PackedLayout(matrix.layout.description) == matrix.layout)
        }
    }

    private static func readAll(_ metadata: GGUFMetadata) {
        for key in metadata.keys {
            _ = try? metadata.int(key)
            _ = try? metadata.double(key)
            _ = try? metadata.bool(key)
            _ = try? metadata.string(key)
            _ = try? metadata.ints(key)
            _ = try? metadata.floats(key)
            _ = try? metadata.bools(key)
            _ = try? metadata.optionalNestedInts(key)
            if let strings = try? metadata.strings(key) {
                for index in strings.indices { _ = strings.text(index) }
            }
        }
        _ = try? GenerationConfig(metadata)
    }

    private static func readAll(_ value: JSON) {
        // What is written can be read, and is then written the same way.
        let text = value.description
        precondition((try? JSON(parsing: text, name: "text"))?.description == text)
        let node = JSONNode(value, location: "input")
        _ = try? GenerationConfig([node])
        _ = try? node.int()
        _ = try? node.double()
        guard case .object(let object) = value else { return }
        for (key, _) in object {
            precondition(object[key] != nil)
            _ = try? node.int(key)
            _ = try? node.double(key)
            for element in (try? node.array(key)) ?? [] { _ = try? element.int() }
        }
    }
}
