// Oracle: the safetensors package, through Tests/Fixtures/Scripts/make_safetensors.py; and the rules of the format by hand.
import DynamaxFormats
import DynamaxTensor
import Foundation
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    @Test(arguments: ["types", "unaligned"])
    func `reads what the reference reads`(name: String) throws {
        let file = try SafetensorsFile(Fixtures.url("safetensors/\(name).safetensors").path)
        #expect(file.metadata == ["format": "pt", "note": "ü \"quoted\"\n"])
        let expected = try JSONNode(contentsOf: Fixtures.url("safetensors/types.json").path)
        let names = try expected.object().keys
        #expect(Set(names).isSubset(of: file.tensorNames))
        for name in names {
            let node = try expected.node(name)
            let shape = try node.array("shape").map { try $0.int() }
            let tensor = try file.require(name, shape: shape)
            if let bits = try node.optionalArray("bits")?.map({ UInt32(try $0.int()) }) {
                let numbers = try tensor.floats()
                try #require(numbers.count == bits.count, "\(name)")
                for (number, bits) in zip(numbers, bits) {
                    let reference = Float(bitPattern: bits)
                    #expect(number.bitPattern == bits || number.isNaN && reference.isNaN, "\(name)")
                }
                #expect(throws: FormatError.self) { try tensor.integers() }
            } else {
                #expect(try tensor.integers() == node.array("integers").map { try $0.int() }, "\(name)")
                #expect(throws: FormatError.self) { try tensor.floats() }
            }
        }
        // As strings, the two names are equal.
        #expect(try file.require("\u{e9}").floats() == [1] && file.require("e\u{301}").floats() == [0])
    }

    @Test func `copies rows`() throws {
        let file = try SafetensorsFile(Fixtures.url("safetensors/types.safetensors").path)
        for name in ["f64", "f32", "f16", "bf16", "cube"] {
            let tensor = try file.require(name)
            let all = try tensor.floats()
            #expect(tensor.rowCount == tensor.shape[0] && tensor.rowCount * tensor.columns == all.count)
            for start in 0...tensor.rowCount {
                for end in start...tensor.rowCount {
                    var numbers = [Float](repeating: 7, count: all.count + 1)
                    try tensor.copyRows(start..<end, to: &numbers)
                    let expected = all[start * tensor.columns..<end * tensor.columns]
                    #expect(numbers.prefix(expected.count) == expected && numbers[expected.count] == 7)
                }
            }
            tensor.release()
            #expect(try tensor.floats() == all)
        }
    }

    @Test func `writes the same bytes as the reference`() throws {
        var writer = SafetensorsWriter(metadata: ["model": "Grüße\t\"x\""])
        writer.add("tokens", integers: [1, 2, 3], shape: [3])
        let device = try Device(threads: 1)
        writer.add("hidden", Tensor([0, 0.25, 0.5, 0.75, 1, 1.25], [2, 3], on: device))
        writer.add("flags", type: .u8, bytes: [1, 0, 1], shape: [3])
        writer.add("halves", type: .f16, bytes: [0x00, 0x3E, 0x00, 0xC0], shape: [2, 1])
        writer.add("logits", [0.5], shape: [1])
        writer.add("\"quoted\" é", [], shape: [2, 0])
        let expected = try Array(Data(contentsOf: Fixtures.url("safetensors/writer.safetensors")))
        #expect(writer.bytes() == expected)
        let folder = try TemporaryFolder()
        try writer.write(to: "\(folder.path)/out.safetensors")
        #expect(try Array(Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/out.safetensors"))) == expected)
        // An empty file is one too.
        let empty = try SafetensorsFile(SafetensorsWriter().bytes(), location: "memory")
        #expect(empty.tensorNames.isEmpty && empty.metadata.isEmpty)
    }

    @Test func `names what is missing or has another shape`() throws {
        let file = try SafetensorsFile(Fixtures.url("safetensors/types.safetensors").path)
        let missing = #expect(throws: FormatError.self) { try file.require("head") }
        #expect(missing?.problem == "the tensor head is missing" && missing?.kind == .missing)
        let shape = #expect(throws: FormatError.self) { try file.require("f32", shape: [5, 3]) }
        #expect(shape?.problem == "the tensor f32 has shape [3, 5], expected [5, 3]" && shape?.kind == .mismatch)
        let integers = #expect(throws: FormatError.self) { try file.require("i32").floats() }
        #expect(integers?.problem == "the tensor i32 holds integers (I32), expected floating-point numbers")
    }

    /// A file with this header and as many bytes of data.
    static func file(_ header: String, data: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8)
            + [UInt8](repeating: 0, count: data)
    }

    @Test(arguments: [
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7,
            "the tensor a lies at bytes 0 to 8 of 7: the file is cut short or damaged"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 9,
            "1 bytes at the end of the file belong to no tensor"
        ),
        (#"{}"#, 1, "1 bytes at the end of the file belong to no tensor"),
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4,
            "the tensor a takes 4 bytes, but [2] of F32 takes 8"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4,
            "the tensor a has the shape [-1], which no tensor can have"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0,
            "the tensor a has the shape [4611686018427387904, 4], which no tensor can have"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}"#, 0,
            "the tensor a has the shape [4611686018427387904, 4, 0], which no tensor can have"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,0]}}"#, 0,
            "the field a.shape[0] must be an integer, not 9.223372036854776e+18"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4,
            "the tensor a lies at bytes 4 to 0 of 4: the file is cut short or damaged"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4,
            "the tensor a lies at bytes -4 to 0 of 4: the file is cut short or damaged"
        ),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "the tensor a must have two data_offsets, not 1"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "the tensor a leaves a gap before it"),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            4, "the tensor b overlaps with another tensor"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#,
            12, "the tensor b leaves a gap before it"
        ),
        (
            #"{"a":{"dtype":"Q4_0","shape":[32],"data_offsets":[0,18]}}"#, 18,
            "the tensor a has the type Q4_0, which Dynamax cannot read"
        ),
        (
            #"{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}"#, 1,
            "the tensor a has the type F4, which Dynamax cannot read"
        ),
        (#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, 4, "the field a.dtype is missing"),
        (#"{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}"#, 4, "the field a.shape must be an array, not 1"),
        (
            #"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, 4,
            "the field a.shape[0] must be an integer, not 1.5"
        ),
        (#"{"a":[]}"#, 0, "the field a must be an object, not an array"),
        (#"{"__metadata__":{"a":1}}"#, 0, "the field __metadata__.a must be a string, not 1"),
        (#"{"__metadata__":[]}"#, 0, "the field __metadata__ must be an object, not an array"),
        (#"[]"#, 0, "the safetensors header must be a JSON object"),
        (#" {}"#, 0, "the safetensors header must be a JSON object"),
        (#""#, 0, "the safetensors header must be a JSON object"),
    ])
    func `refuses headers that lie`(header: String, data: Int, problem: String) {
        let error = #expect(throws: FormatError.self) {
            try SafetensorsFile(SafetensorsTests.file(header, data: data), location: "lies.safetensors")
        }
        #expect(error?.description == "lies.safetensors: \(problem)")
    }

    @Test func `refuses headers that do not fit the file`() {
        for length in [3, 100_000_001, UInt64(1) << 63, .max] {
            let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{}".utf8)
            let error = #expect(throws: FormatError.self) { try SafetensorsFile(bytes, location: "x") }
            #expect(
                error?.problem
                    == "the safetensors header is said to be \(length) bytes long, which does not fit a file of 10 bytes"
            )
        }
        for count in 0..<8 {
            let error = #expect(throws: FormatError.self) {
                try SafetensorsFile([UInt8](repeating: 0, count: count), location: "x")
            }
            #expect(error?.problem == "a safetensors file must hold 8 bytes at least, this one has \(count)")
        }
        let broken = #expect(throws: FormatError.self) {
            try SafetensorsFile(SafetensorsTests.file("{\"a\":", data: 0), location: "x")
        }
        #expect(broken?.description == "x (header): expected a value, found the end of the file, at line 1, column 6")
    }
}
