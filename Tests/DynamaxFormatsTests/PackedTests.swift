// The rules of the packed layout by hand: what its description in PackedTensors.swift does not allow must be refused.
import DynamaxFormats
import DynamaxTensor
import TestSupport
import Testing

@Suite struct PackedTests {
    /// A file with one packed matrix of 20 outputs and 40 inputs.
    private func file(
        _ text: String, metadata: [String: String] = [:], type: TensorType = .u8, weights: [Int] = [2, 16, 16, 4],
        scales: [Int] = [2, 2, 16], more: (inout SafetensorsWriter) -> Void = { _ in }
    ) throws -> SafetensorsFile {
        let own = ["format": "dynamax", "version": "1", "w": text].merging(metadata) { $1 }
        var writer = SafetensorsWriter(metadata: own.filter { !$0.value.isEmpty }, order: .asAdded)
        let bytes = [UInt8](repeating: 128, count: weights.reduce(1, *))
        writer.add("w_packed", type: type, bytes: bytes, shape: weights)
        writer.add("w_scale", [Float](repeating: 0, count: scales.reduce(1, *)), shape: scales)
        more(&writer)
        return try SafetensorsFile(writer.bytes(), location: "file")
    }

    @Test func `a sound file is read`() throws {
        let packed = try #require(try file("int8/32 20x40").packedTensors())
        let matrix = try #require(packed.tensor("w"))
        #expect(packed.names == ["w"] && packed.bits == 8 && packed.group == 32)
        #expect(matrix.rows == 20 && matrix.columns == 40)
        #expect(try file("int4/64 20x100", scales: [2, 2, 16]).packedTensors()?.bits == 4)
    }

    @Test func `other files have no packed tensors`() throws {
        #expect(try file("int8/32 20x40", metadata: ["format": "pt"]).packedTensors() == nil)
        #expect(try file("int8/32 20x40", metadata: ["format": ""]).packedTensors() == nil)
    }

    @Test(arguments: [
        "int8/32 20x41x", "int8/32 20", "int8/0 20x40", "int8/33 20x40", "int8/512 20x40", "int8/-8 20x40",
        "int9/32 20x40", "bf16 20x40", "int8/32 020x40", "int8/32 +20x40", "int8/32  20x40", "int8/32 0x40",
        "int8/32 20x99999999999999999999", "int8/32 16777217x40", "INT8/32 20x40", "int8 32 20 40",
    ])
    func `descriptions that say nothing are refused`(text: String) throws {
        let file = try file(text)
        let error = try #require(throws: FormatError.self) { try file.packedTensors() }
        #expect("\(error)".hasPrefix("file: the metadata of w must be a packed format"))
    }

    @Test(arguments: [
        ("int8/32 33x40", "w_packed has shape"), ("int8/32 20x65", "w_packed has shape"),
        ("int4/32 20x40", "w_packed has shape"), ("int8/64 20x40", "w_scale has shape"),
        ("int8/8 20x64", "w_scale has shape"), ("int8/32 16777216x16777216", "w_packed has shape"),
    ])
    func `descriptions of another matrix are refused`(text: String, problem: String) throws {
        let file = try file(text)
        let error = try #require(throws: FormatError.self) { try file.packedTensors() }
        #expect("\(error)".contains(problem))
    }

    @Test func `versions and types are checked`() throws {
        let faults = [
            (try file("int8/32 20x40", metadata: ["version": "2"]), "version 1 of the packed format, not 2"),
            (try file("int8/32 20x40", metadata: ["version": ""]), "not none"),
            (try file("int8/32 20x40", type: .i8), "w_packed must hold U8, not I8"),
            (try file("", metadata: [:]), "names none"),
            (try file("int8/32 20x40", metadata: ["v": "int8/32 20x40"]), "v_packed is missing"),
            (try file("int8/32 20x40") { $0.add("w", [1], shape: [1]) }, "there twice"),
        ]
        for (file, problem) in faults {
            let error = try #require(throws: FormatError.self) { try file.packedTensors() }
            #expect("\(error)".contains(problem))
        }
    }
}
