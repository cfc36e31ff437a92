// Oracle: the layout that transformers writes for sharded checkpoints.
import DynamaxFormats
import TestSupport
import Testing

@Suite struct ShardedSafetensorsTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for (number, name) in ["a", "b"].enumerated() {
            var writer = SafetensorsWriter(metadata: ["format": "pt"])
            writer.add(name, [Float(number), 2], shape: [2])
            try writer.write(to: "\(folder.path)/model-\(number).safetensors")
        }
    }

    private func index(_ map: String) throws -> String {
        try folder.write("model.safetensors.index.json", "{\"metadata\": {\"total_size\": 16}, \"weight_map\": \(map)}")
    }

    @Test func `finds tensors in their shards`() throws {
        let path = try index(#"{"b": "model-1.safetensors", "a": "model-0.safetensors"}"#)
        let source = try ShardedSafetensors(index: path)
        #expect(source.location == path && source.tensorNames == ["b", "a"])
        #expect(try source.require("a", shape: [2]).floats() == [0, 2])
        #expect(try source.require("b", shape: [2]).floats() == [1, 2])
        #expect(source.tensor("c") == nil)
    }

    @Test func `refuses an index that does not fit its shards`() throws {
        func error(_ map: String) -> String? {
            #expect(throws: FormatError.self) { try ShardedSafetensors(index: index(map)) }?.description
        }
        let shard = "\(folder.path)/model-0.safetensors", path = "\(folder.path)/model.safetensors.index.json"
        #expect(
            error(#"{"b": "model-0.safetensors"}"#)
                == "\(shard): the tensor b, which the index expects here, is missing")
        #expect(error(#"{"a": "model-2.safetensors"}"#) == "\(folder.path)/model-2.safetensors: there is no such file")
        #expect(error(#"{"a": 1}"#) == "\(path): the field weight_map.a must be a string, not 1")
        for escape in ["../model-0.safetensors", "/etc/passwd", "..", "", "x/y"] {
            #expect(
                error("{\"a\": \"\(escape)\"}") == "\(path): the field weight_map.a must name a file beside the index")
        }
    }
}
