// Oracle: attention to f32 blocks, whose own oracle is PyTorch (KernelOracleTests).
import CDynamax
import TestSupport
import Testing

@Suite struct KVCacheFormatTests {
    /// Rounding to bf16 errs by 2^-9 of a number at most, to 8 bits by 1/254 of the largest of a position.
    @Test(arguments: [(DX_BF16, 1e-5, 0.006), (DX_INT8, 4e-5, 0.012)])
    func `narrow formats are near f32`(format: dx_format, cosine: Double, error: Float) throws {
        for width in [32, 64, 128] {
            let scale = 1 / Float(width).squareRoot()
            var problem = AttentionProblem(lengths: [300], heads: 8, kvHeads: 2, width: width, scale: scale)
            let inputs = problem.inputs(), expected = problem.run(Tables.scalar, KernelBench(inputs))["y"]!
            problem.format = format
            let y = problem.run(Tables.scalar, KernelBench(inputs))["y"]!
            var (products, squares, others) = (0.0, 0.0, 0.0)
            for (a, b) in zip(y, expected) {
                products += Double(a) * Double(b)
                squares += Double(a) * Double(a)
                others += Double(b) * Double(b)
            }
            #expect(1 - products / (squares * others).squareRoot() < cosine, "width \(width)")
            #expect(relativeError(y, expected) < error, "width \(width)")
        }
    }

    /// The order in which positions come must not matter to what is stored of them.
    @Test(arguments: [DX_F32, DX_BF16, DX_INT8])
    func `positions are copied as they are stored`(format: dx_format) {
        let (heads, width) = (3, 20)
        let bytes = heads * Int(dx_kv_head_bytes(format, Int64(width))),
            element = format == DX_F32 ? 4 : format == DX_BF16 ? 2 : 1
        var random = Seeded(3)
        let rows = random.floats(2 * 64 * heads * width, in: -2...2)
        func block() -> UnsafeMutableRawPointer {
            let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            block.initializeMemory(as: UInt8.self, repeating: 0xff, count: bytes)
            return block
        }
        let (written, copied) = (block(), block())
        defer {
            written.deallocate()
            copied.deallocate()
        }
        var table: UnsafeMutableRawPointer? = written
        withUnsafePointer(to: &table) { table in
            var sequence = dx_sequence()
            sequence.rows = 64
            sequence.blocks = UnsafePointer(table)
            withUnsafePointer(to: sequence) { sequence in
                rows.withUnsafeBufferPointer { rows in
                    let write = dx_kv_write(
                        sequences: sequence, count: 1, format: format, kv_heads: Int64(heads), width: Int64(width),
                        keys: rows.baseAddress, values: rows.baseAddress! + 64 * heads * width,
                        key_stride: Int64(heads * width), value_stride: Int64(heads * width))
                    runUnits(Tables.scalar.kv_write, write, units: heads)
                }
            }
        }
        var (keys, values) = ([UInt8](repeating: 0, count: heads * width * element), [UInt8]())
        values = keys
        var scales = [Float](repeating: 0, count: 2 * heads)
        keys.withUnsafeMutableBytes { keys in
            values.withUnsafeMutableBytes { values in
                scales.withUnsafeMutableBufferPointer { scales in
                    let position = dx_kv_position(
                        keys: keys.baseAddress, values: values.baseAddress, scales: scales.baseAddress)
                    for slot in Int64(0)..<64 {
                        dx_kv_get(format, Int64(heads), Int64(width), written, slot, position)
                        dx_kv_put(format, Int64(heads), Int64(width), copied, slot, position)
                    }
                }
            }
        }
        for index in 0..<bytes {
            #expect(
                written.load(fromByteOffset: index, as: UInt8.self)
                    == copied.load(fromByteOffset: index, as: UInt8.self))
        }
    }
}
