// Oracle: the gguf package's `dequantize`, through Tests/Fixtures/Scripts/make_gguf_blocks.py.
import CDynamax
import DynamaxFormats
import Foundation
import TestSupport
import Testing

@Suite struct GGUFBlockTests {
    static let types: [(name: String, number: Int32)] = [
        ("Q4_0", 2), ("Q4_1", 3), ("Q5_0", 6), ("Q5_1", 7), ("Q8_0", 8), ("Q2_K", 10), ("Q3_K", 11), ("Q4_K", 12),
        ("Q5_K", 13), ("Q6_K", 14),
    ]

    @Test(arguments: types)
    func `expands to the same bits as the reference`(name: String, number: Int32) throws {
        let file = try SafetensorsFile(Fixtures.url("gguf/blocks.safetensors").path)
        let blocks = try file.require("\(name).bytes")
        let expected = try file.require("\(name).numbers").floats()
        // Blocks may begin at any address.
        for shift in 0..<4 {
            var memory = [UInt8](repeating: 0, count: shift) + Array(blocks.bytes)
            var numbers = [Float](repeating: .nan, count: expected.count)
            memory.withUnsafeMutableBytes { bytes in
                #expect(dx_gguf_expand(number, bytes.baseAddress! + shift, &numbers, Int64(numbers.count)))
            }
            #expect(numbers.map(\.bitPattern) == expected.map(\.bitPattern))
        }
    }

    @Test func `refuses types that it does not know`() {
        var number: Float = 0
        for type: Int32 in [-1, 4, 5, 9, 15, 16, 24, 29, 39, 1000] {
            #expect(!dx_gguf_expand(type, [UInt8](repeating: 0, count: 512), &number, 0))
        }
    }
}
