// Oracle: sums in Double over the weights that the format holds; for bits, the scalar table.
import CDynamax
import TestSupport
import Testing

@Suite struct ProductTests {
    static let formats: [PackedFormat] = [
        .f32, .f16, .bf16, .int8(32), .int8(64), .int8(128), .int8(256), .int8(40), .int4(32), .int4(64), .int4(128),
        .int4(8),
    ]

    @Test(arguments: formats)
    func `the scalar product is the sum of products`(format: PackedFormat) {
        let problem = ProductProblem(rows: 3, inputs: 131, outputs: 37, format: format)
        let inputs = problem.inputs(), bench = KernelBench(inputs)
        let weights = problem.unpacked(Tables.scalar, bench), y = problem.run(Tables.scalar, bench)["y"]!
        let x =
            format.isInteger ? quantized(inputs["x"]!, width: 131, group: format.group) : inputs["x"]!.map(Double.init)
        for row in 0..<3 {
            for output in 0..<37 {
                var sum = Double(inputs["bias"]![output]) + Double(inputs["residual"]![row * 37 + output]), size = 1.0
                for k in 0..<131 {
                    let product = x[row * 131 + k] * Double(weights[output * 131 + k])
                    sum += product
                    size += abs(product)
                }
                #expect(abs(Double(y[row * 37 + output]) - sum) < 2e-6 * size, "row \(row), output \(output)")
            }
        }
    }

    @Test(arguments: formats)
    func `packing keeps weights as well as the format can`(format: PackedFormat) {
        let problem = ProductProblem(rows: 1, inputs: 131, outputs: 37, format: format)
        let inputs = problem.inputs(), held = problem.unpacked(Tables.scalar, KernelBench(inputs))
        for (weight, held) in zip(inputs["w"]!, held) {
            // Half a step of the widest group, whose largest weight is 2; the 4-bit range reaches 8 steps down and 7 up.
            let tolerance: Float =
                switch format.format {
                case DX_F32: 0
                case DX_F16: abs(weight) / 2048 + 0x1p-25
                case DX_BF16: abs(weight) / 256
                case DX_INT8: 2 / 127 / 2 * 1.0001
                default: 2 / 8
                }
            #expect(abs(weight - held) <= tolerance)
        }
    }

    @Test(arguments: Tables.vectorNames)
    func `vector products give the scalar bits`(table: String) throws {
        let kernels = try #require(Tables.named(table))
        for (index, format) in Self.formats.enumerated() {
            for (rows, inputs, outputs) in [
                (1, 300, 200), (4, 33, 16), (6, 257, 79), (7, 300, 129), (17, 64, 80), (101, 259, 70),
            ] {
                let problem = ProductProblem(
                    rows: rows, inputs: inputs, outputs: outputs, format: format, biased: rows % 2 == 1,
                    adding: rows % 3 == 1)
                let numbers = problem.inputs(seed: UInt64(index))
                let expected = problem.run(Tables.scalar, KernelBench(numbers))
                for (gap, order) in [(0, KernelBench.Order.together), (3, .oneByOneFromLast)] {
                    let results = problem.run(kernels, KernelBench(numbers, gap: gap, order: order))
                    #expect(sameBits(results, expected), "\(table) \(problem)")
                }
            }
        }
    }

    /// Long rows and many of them take the weights in several parts and the rows in several panels.
    @Test(arguments: Tables.vectorNames)
    func `a row has the same bits alone and among many`(table: String) throws {
        let kernels = try #require(Tables.named(table))
        for format in [PackedFormat.f32, .f16, .bf16, .int8(128), .int8(32), .int4(32)] {
            var problem = ProductProblem(rows: 211, inputs: 2309, outputs: 147, format: format)
            let inputs = problem.inputs()
            let expected = problem.run(kernels, KernelBench(inputs))
            for rows in [1, 2, 5, 6, 8, 17, 100] {
                problem.rowsAtOnce = rows
                #expect(
                    sameBits(problem.run(kernels, KernelBench(inputs)), expected), "\(format), \(rows) rows at once")
            }
        }
    }

    /// So large a result goes past the caches where its rows begin at a line.
    @Test(arguments: Tables.vectorNames)
    func `a large product has the scalar bits`(table: String) throws {
        let kernels = try #require(Tables.named(table))
        for format in [PackedFormat.int8(64), .int4(64)] {
            let problem = ProductProblem(
                rows: 530, inputs: 130, outputs: 512, format: format, biased: true, adding: true)
            let inputs = problem.inputs()
            let expected = problem.run(Tables.scalar, KernelBench(inputs))
            for gap in [0, 3] {
                let result = problem.run(kernels, KernelBench(inputs, gap: gap))
                #expect(sameBits(result, expected), "\(format), gap \(gap)")
            }
        }
    }

    /// Weights in several parts, so that most end no sums.
    @Test(arguments: Tables.vectorNames)
    func `what the stack held before does not matter`(table: String) throws {
        let kernels = try #require(Tables.named(table))
        for format in [PackedFormat.int8(128), .int4(32)] {
            let problem = ProductProblem(rows: 33, inputs: 6200, outputs: 33, format: format)
            let inputs = problem.inputs()
            let expected = problem.run(kernels, KernelBench(inputs))
            for seed in 0..<8 {
                let results = onScribbledStack(seed: UInt64(seed)) { problem.run(kernels, KernelBench(inputs)) }
                #expect(sameBits(results, expected), "\(table) \(format)")
            }
        }
    }

    @Test(arguments: ["scalar"] + Tables.vectorNames)
    func `numbers that are not finite reach the output`(table: String) throws {
        let kernels = try #require(Tables.named(table))
        for format in Self.formats {
            for bad in [Float.nan, .infinity, -.infinity] {
                let problem = ProductProblem(rows: 8, inputs: 70, outputs: 20, format: format)
                var inputs = problem.inputs()
                inputs["x"]![3 * 70 + 69] = bad
                var y = problem.run(kernels, KernelBench(inputs))["y"]!
                #expect((0..<160).allSatisfy { ($0 / 20 == 3) == !y[$0].isFinite }, "\(format): x = \(bad)")

                inputs = problem.inputs()
                inputs["w"]![17 * 70 + 69] = bad
                y = problem.run(kernels, KernelBench(inputs))["y"]!
                #expect((0..<160).allSatisfy { ($0 % 20 == 17) == !y[$0].isFinite }, "\(format): w = \(bad)")
            }
        }
    }

    @Test func `zero and tiny rows quantize to zero`() {
        for value in [Float(0), 0x1p-146, -0x1p-149, .leastNormalMagnitude] {
            let problem = QuantizeProblem(rows: 1, width: 32, group: 32)
            let results = problem.run(Tables.scalar, KernelBench(["x": [Float](repeating: value, count: 32)]))
            #expect(results["values"]!.allSatisfy { abs($0 * results["scales"]![0] - value) <= 0x1p-120 })
            #expect(results["values"]!.allSatisfy { abs($0) <= 127 })
        }
    }

    @Test func `quantization rounds half to even`() {
        let x: [Float] = [127, 0.5, 1.5, 2.5, -0.5, -1.5, -126.5, 3.25]
        let results = QuantizeProblem(rows: 1, width: 8, group: 8).run(Tables.scalar, KernelBench(["x": x]))
        #expect(results["values"]! == [127, 0, 2, 2, 0, -2, -126, 3])
        #expect(results["scales"]! == [1])
        #expect(results["sums"]! == [6])
    }

    /// x as 8-bit quantization by groups holds it, in Double.
    private func quantized(_ x: [Float], width: Int, group: Int) -> [Double] {
        stride(from: 0, to: x.count, by: width).flatMap { row in
            stride(from: 0, to: width, by: group).flatMap { start in
                let part = x[(row + start)..<(row + min(start + group, width))]
                let largest = part.map(abs).max()!
                return part.map { Double(($0 * (127 / largest)).rounded(.toNearestOrEven)) * Double(largest / 127) }
            }
        }
    }
}
