// Oracles: the scalar kernels, whose order of sums is that of the matrix instructions of x86, so that a processor that has
// them is their oracle in turn; and sums in f64 of the rounded operands.
import CDynamax
import TestSupport
import Testing

@Suite struct MixedProductTests {
    /// Sizes beside and across tiles of rows, blocks of outputs, steps of inputs, and more steps than are taken together.
    static let sizes = [
        (rows: 1, inputs: 1, outputs: 1), (5, 32, 16), (16, 33, 17), (17, 64, 48), (32, 31, 32), (33, 290, 50),
        (70, 600, 33), (48, 512, 64),
    ]

    static let instructionSets: [dx_isa] = [DX_NEON, DX_AVX2, DX_AVX512, DX_AVX512_VNNI, DX_AMX].filter {
        dx_mixed_kernels_of($0) != nil
    }

    @Test(arguments: sizes.indices, [0, 1])
    func `vector kernels give the bits of the scalar ones`(index: Int, tiny: Int) throws {
        let (rows, inputs, outputs) = Self.sizes[index]
        var random = Seeded(UInt64(index))
        // Products of tiny numbers are subnormal, and flushed.
        let scale: Float = tiny == 1 ? 0x1p-64 : 1
        let x = random.floats(rows * inputs).map { $0 * scale }
        let weights = random.floats(outputs * inputs).map { $0 * scale }
        let bias = random.floats(outputs).map { $0 * scale }
        let residual = random.floats(rows * outputs).map { $0 * scale }
        func run(_ set: dx_isa) throws -> [[UInt32]] {
            let kernels = try #require(dx_mixed_kernels_of(set)).pointee
            return [false, true].flatMap { transposed in
                [false, true].map { finishes in
                    Problem(rows: rows, inputs: inputs, outputs: outputs, transposed: transposed).run(
                        kernels, x, weights, finishes ? bias : nil, finishes ? residual : nil
                    ).map(\.bitPattern)
                }
            }
        }
        let expected = try run(DX_SCALAR)
        #expect(expected[0] == expected[2], "a transposed operand is the same operand")
        for set in Self.instructionSets { #expect(try run(set) == expected, "\(set)") }
    }

    /// More rows and inputs than are taken at once, and a result that goes past the caches where its rows begin at a line.
    @Test(arguments: [0, 4]) func `a large product has the bits of the scalar one`(offset: Int) throws {
        var random = Seeded(11)
        let problem = Problem(rows: 530, inputs: 2090, outputs: 500, transposed: false, offset: offset)
        let x = random.floats(530 * 2090), weights = random.floats(500 * 2090)
        let bias = random.floats(500), residual = random.floats(530 * 500)
        func run(_ set: dx_isa) throws -> [UInt32] {
            let kernels = try #require(dx_mixed_kernels_of(set)).pointee
            return problem.run(kernels, x, weights, bias, residual).map(\.bitPattern)
        }
        let expected = try run(DX_SCALAR)
        for set in Self.instructionSets { #expect(try run(set) == expected, "\(set)") }
    }

    @Test func `the sums are those of rounded operands`() throws {
        let problem = Problem(rows: 9, inputs: 200, outputs: 20, transposed: false)
        var random = Seeded(3)
        let x = random.floats(9 * 200), weights = random.floats(20 * 200)
        let y = problem.run(try #require(dx_mixed_kernels_of(DX_SCALAR)).pointee, x, weights, nil, nil)
        func rounded(_ value: Float) -> Double {
            Double(Float(bitPattern: (value.bitPattern &+ 0x7fff &+ (value.bitPattern >> 16 & 1)) & 0xffff_0000))
        }
        for row in 0..<9 {
            for output in 0..<20 {
                let terms = (0..<200).map { rounded(x[row * 200 + $0]) * rounded(weights[output * 200 + $0]) }
                let bound = terms.reduce(0) { $0 + abs($1) } * 1e-6
                #expect(abs(Double(y[row * 20 + output]) - terms.reduce(0, +)) < bound)
            }
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func `numbers that are not finite reach the result`(value: Float) throws {
        let problem = Problem(rows: 2, inputs: 40, outputs: 3, transposed: false)
        var x = [Float](repeating: 1, count: 80)
        x[35] = value
        for set in Self.instructionSets + [DX_SCALAR] {
            let kernels = try #require(dx_mixed_kernels_of(set)).pointee
            let y = problem.run(kernels, x, [Float](repeating: 1, count: 120), nil, nil)
            #expect(y[0].isNaN == value.isNaN && !y[0].isFinite && y[3] == 40, "\(set)")
        }
    }

    /// A product whose operands are stored as they are or transposed. Its result begins `offset` numbers after a line of memory.
    struct Problem {
        var rows: Int, inputs: Int, outputs: Int
        var transposed: Bool
        var offset = 0

        func run(
            _ kernels: dx_mixed_kernels, _ x: [Float], _ weights: [Float], _ bias: [Float]?, _ residual: [Float]?
        ) -> [Float] {
            let padded = (inputs + 31) / 32 * 32, blocks = (outputs + 15) / 16
            func operand(_ numbers: [Float], count: Int, _ task: dx_task, units: Int) -> [UInt16] {
                let source = transposed ? transpose(numbers, rows: count) : numbers
                return source.withUnsafeBufferPointer { source in
                    [UInt16](unsafeUninitializedCapacity: units * 16 * padded) { buffer, length in
                        let arguments = dx_mixed_operand(
                            rows: Int64(transposed ? inputs : count), columns: Int64(transposed ? count : inputs),
                            inputs: Int64(padded), x: source.baseAddress, x_stride: Int64(transposed ? count : inputs),
                            y: buffer.baseAddress)
                        withUnsafePointer(to: arguments) { arguments in
                            for unit in 0..<units { task(arguments, Int64(unit), Int64(unit + 1)) }
                        }
                        length = buffer.count
                    }
                }
            }
            let left = operand(
                x, count: rows, transposed ? kernels.columns : kernels.rows,
                units: (rows + 15) / 16)
            let right = operand(
                weights, count: outputs, transposed ? kernels.packed_columns : kernels.packed_rows,
                units: blocks)
            return left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { right in
                    withOptional(bias) { bias in
                        withOptional(residual) { residual in
                            let y = UnsafeMutableRawPointer.allocate(
                                byteCount: (rows * blocks * 16 + offset) * 4, alignment: 64
                            ).assumingMemoryBound(to: Float.self)
                            defer { y.deallocate() }
                            let arguments = dx_mixed_product(
                                rows: Int64(rows), inputs: Int64(padded), outputs: Int64(outputs),
                                x: left.baseAddress, weights: right.baseAddress, bias: bias, residual: residual,
                                residual_stride: Int64(outputs), y: y + offset, y_stride: Int64(blocks * 16))
                            withUnsafePointer(to: arguments) { kernels.product($0, 0, Int64(blocks)) }
                            return (0..<rows).flatMap { row in
                                UnsafeBufferPointer(start: y + offset + row * blocks * 16, count: outputs)
                            }
                        }
                    }
                }
            }
        }

        private func transpose(_ numbers: [Float], rows: Int) -> [Float] {
            let columns = numbers.count / rows
            return (0..<columns).flatMap { column in (0..<rows).map { numbers[$0 * columns + column] } }
        }

        private func withOptional<Result>(_ numbers: [Float]?, _ body: (UnsafePointer<Float>?) -> Result) -> Result {
            guard let numbers else { return body(nil) }
            return numbers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }
}
