// Oracle: the gguf package, through Tests/Fixtures/Scripts/make_gguf.py.
import DynamaxFormats
import Foundation
import TestSupport
import Testing

@Suite struct GGUFTests {
    private let file: GGUFFile
    private var metadata: GGUFMetadata { file.metadata }

    init() throws { file = try GGUFFile(Fixtures.url("gguf/types.gguf").path) }

    @Test func `reads metadata of each type`() throws {
        #expect(try metadata.string("general.architecture") == "llama")
        #expect(try metadata.int("general.alignment") == 64)
        #expect(try metadata.int("test.uint8") == 255)
        #expect(try metadata.int("test.int8") == -128)
        #expect(try metadata.int("test.uint16") == 65535)
        #expect(try metadata.int("test.int16") == -32768)
        #expect(try metadata.int("test.uint32") == 4_294_967_295)
        #expect(try metadata.int("test.int32") == -2_147_483_648)
        #expect(try metadata.int("test.int64") == .min)
        #expect(try metadata.double("test.float32") == Double(Float(0.1)))
        #expect(try metadata.double("test.float64") == 0.1)
        #expect(try metadata.double("test.int16") == -32768)
        #expect(try metadata.bool("test.true") && !metadata.bool("test.false"))
        #expect(try metadata.string("test.string") == "Grüße 😀")
        #expect(try metadata.ints("test.integers") == [1, -2, 3])
        #expect(try metadata.floats("test.integers") == [1, -2, 3])
        #expect(try metadata.floats("test.floats") == [0.5, -1.25])
        #expect(try metadata.bools("test.bools") == [true, false])
        #expect(try metadata.strings("test.strings").map { String(decoding: $0, as: UTF8.self) } == ["a", "", "ü"])
        #expect(try metadata.optionalNestedInts("test.nested") == [[1, 2], [3]])
        let tokens = try metadata.strings("tokenizer.ggml.tokens")
        #expect(tokens.map(Array.init) == [Array("plain".utf8), [0xFF, 0xFE], [], Array("é".utf8)])
        #expect(tokens.text(1) == "\u{FFFD}\u{FFFD}" && tokens.text(3) == "é")
        #expect(metadata.has("test.bools") && !metadata.has("test"))
        #expect(metadata.keys.first == "general.architecture" && metadata.keys.contains("test.nested"))
        #expect(try metadata.optionalInt("none") == nil && metadata.optionalStrings("none") == nil)
    }

    @Test func `names the key and what was expected`() {
        func message(_ body: () throws -> Void) -> String? {
            #expect(throws: FormatError.self, performing: body)?.problem
        }
        #expect(message { _ = try metadata.int("none") } == "the metadata key none is missing")
        for key in ["test.string", "test.float32", "test.true", "test.integers", "test.uint64"] {
            #expect(message { _ = try metadata.int(key) } == "the metadata key \(key) must be an integer")
        }
        #expect(
            message { _ = try metadata.string("test.uint8") } == "the metadata key test.uint8 must be a string in UTF-8"
        )
        #expect(message { _ = try metadata.double("test.string") } == "the metadata key test.string must be a number")
        #expect(
            message { _ = try metadata.bool("test.uint8") } == "the metadata key test.uint8 must be a boolean (0 or 1)")
        #expect(
            message { _ = try metadata.strings("test.floats") }
                == "the metadata key test.floats must be an array of strings")
        #expect(message { _ = try metadata.strings("test.string") } == "the metadata key test.string must be an array")
        #expect(
            message { _ = try metadata.ints("test.floats") }
                == "the metadata key test.floats must be an array of integers")
        #expect(
            message { _ = try metadata.floats("test.nested") }
                == "the metadata key test.nested must be an array of numbers")
    }

    @Test func `reads tensors of each type`() throws {
        let expected = try SafetensorsFile(Fixtures.url("gguf/types.expected.safetensors").path)
        for name in expected.tensorNames {
            let reference = try expected.require(name)
            let tensor = try file.require(name, shape: reference.shape)
            let numbers = try tensor.floats()
            #expect(numbers.map(\.bitPattern) == (try reference.floats().map(\.bitPattern)), "\(name)")
            for row in 0..<tensor.rowCount {
                var copy = [Float](repeating: 0, count: tensor.columns)
                try tensor.copyRows(row..<row + 1, to: &copy)
                #expect(copy == Array(numbers[row * tensor.columns..<(row + 1) * tensor.columns]), "\(name)")
            }
        }
        for name in ["int8", "int16", "int32", "int64"] {
            #expect(try file.require("test.\(name)", shape: [1, 3]).integers() == [-1, 2, 3])
        }
        #expect(file.tensorNames.count == expected.tensorNames.count + 5)
    }

    @Test func `refuses types that it cannot read when they are asked for`() {
        let error = #expect(throws: FormatError.self) { try file.tensor("test.IQ4_NL") }
        #expect(error?.problem == "the tensor test.IQ4_NL is stored as IQ4_NL, which Dynamax cannot read")
        #expect(error?.kind == .unsupported)
    }

    @Test func `reads version 2 like version 3 and refuses others`() throws {
        var bytes = try Array(Data(contentsOf: Fixtures.url("gguf/types.gguf")))
        func opened(_ version: UInt8) throws -> GGUFFile {
            bytes[4] = version
            return try GGUFFile(MemoryBytes(bytes, location: "v.gguf"))
        }
        #expect(try opened(2).tensorNames == file.tensorNames)
        func message(_ body: () throws -> Void) -> String? {
            #expect(throws: FormatError.self, performing: body)?.description
        }
        #expect(
            message { _ = try opened(1) }
                == "v.gguf: the file has GGUF version 1, expected 2 or 3; convert the model again")
        #expect(message { _ = try opened(4) } == "v.gguf: the file has GGUF version 4, expected 2 or 3")
        let bigEndian = Fixtures.url("gguf/types-big-endian.gguf").path
        #expect(
            message { _ = try GGUFFile(bigEndian) }
                == "\(bigEndian): the GGUF file is big-endian, expected little-endian")
    }
}
