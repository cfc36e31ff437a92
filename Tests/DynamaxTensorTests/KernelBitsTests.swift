// Oracle: the scalar table, whose own oracles stand in KernelOracleTests and ProductTests.
import CDynamax
import TestSupport
import Testing

@Suite struct KernelBitsTests {
    static let rowProblems: [any KernelProblem] =
        [1, 3, 15, 16, 17, 32, 40, 131].flatMap { width -> [any KernelProblem] in
            [
                RMSNormProblem(width: width, group: width),
                RMSNormProblem(width: 3 * width, group: width, gated: true, weighted: false),
                RMSNormProblem(width: 2 * width, group: width, gated: true, repeats: true),
                RotaryProblem(heads: 3, width: 2 * width, rotated: 2 * width),
                RotaryProblem(heads: 2, width: 2 * width + 5, rotated: 2 * width, interleaved: true),
                RotaryProblem(heads: 2, width: 2 * width + 40, rotated: 2 * width),
                SwiGLUProblem(width: width), SoftmaxProblem(width: width),
                SoftmaxProblem(width: width, temperature: 0.7), SummarizeProblem(width: width),
                CosineProblem(width: width), QuantizeProblem(width: width, group: 32),
                QuantizeProblem(width: width, group: 40), QuantizeProblem(width: width, group: 8),
            ]
        }

    static let sequenceProblems: [any KernelProblem] =
        [8, 12, 16, 20, 64, 80, 128].flatMap { width -> [any KernelProblem] in
            [
                AttentionProblem(lengths: [3, 70, 0, 9], heads: 4, kvHeads: 2, width: width),
                AttentionProblem(lengths: [150], heads: 3, kvHeads: 3, width: width, window: 50),
                AttentionProblem(
                    lengths: [11, 90], heads: 7, kvHeads: 1, width: width, window: 1, schedule: Schedule(chunks: [9])),
                AttentionProblem(lengths: [5, 130], heads: 4, kvHeads: 2, width: width, format: DX_BF16),
                AttentionProblem(lengths: [90], heads: 4, kvHeads: 2, width: width, window: 20, format: DX_INT8),
                AttentionProblem(
                    lengths: [70, 2], heads: 3, kvHeads: 3, width: width, window: 67, format: DX_BF16,
                    schedule: Schedule(chunks: [1, 30])),
                AttentionProblem(
                    lengths: [3, 70], heads: 20, kvHeads: 1, width: width, format: DX_INT8,
                    schedule: Schedule(chunks: [5])),
                SSDProblem(heads: 4, groups: 2, width: width, states: 9, low: 0.3, high: 1.2),
                SSDProblem(heads: 2, groups: 1, width: width, states: 16, full: false, wantsOutput: false),
            ]
        }
        + [1, 15, 16, 40].flatMap { channels -> [any KernelProblem] in
            [
                ConvolveProblem(channels: channels, taps: 4),
                ConvolveProblem(channels: channels, taps: 1, biased: false, silu: false),
                ConvolveProblem(channels: channels, taps: 8), ScanProblem(channels: channels, states: 16),
                ScanProblem(channels: channels, states: 5, full: false),
                ScanProblem(channels: channels, states: 3, wantsOutput: false),
            ]
        }

    @Test(arguments: Tables.vectorNames)
    func `row kernels give the scalar bits`(table: String) throws {
        try compare(Self.rowProblems, table)
    }

    @Test(arguments: Tables.vectorNames)
    func `sequence kernels give the scalar bits`(table: String) throws {
        try compare(Self.sequenceProblems, table)
    }

    /// Many heads of one kv head fill more than one round of queries.
    @Test(arguments: Tables.vectorNames)
    func `attention with many heads gives the scalar bits`(table: String) throws {
        try compare(
            [DX_F32, DX_BF16, DX_INT8].map {
                AttentionProblem(lengths: [10, 66], heads: 71, kvHeads: 1, width: 20, format: $0)
            }, table)
    }

    /// Products with bf16 take such numbers as zeros.
    @Test(arguments: Tables.vectorNames)
    func `attention to tiny numbers gives the scalar bits`(table: String) throws {
        let kernels = try #require(Tables.named(table))
        for format in [DX_BF16, DX_INT8] {
            let problem = AttentionProblem(lengths: [80], heads: 2, kvHeads: 1, width: 40, scale: 0x1p3, format: format)
            var inputs = problem.inputs()
            for name in ["q", "k", "v"] {
                inputs[name] = zip(inputs[name]!, 0...).map {
                    $0 * Float(sign: .plus, exponent: -124 - $1 % 7, significand: 1)
                }
            }
            let expected = problem.run(Tables.scalar, KernelBench(inputs))
            #expect(sameBits(problem.run(kernels, KernelBench(inputs)), expected), "\(table) \(format)")
        }
    }

    private func compare(_ problems: [any KernelProblem], _ table: String) throws {
        let kernels = try #require(Tables.named(table))
        for (index, problem) in problems.enumerated() {
            let inputs = problem.inputs(seed: UInt64(index))
            let expected = problem.run(Tables.scalar, KernelBench(inputs))
            for (gap, order) in [(0, KernelBench.Order.together), (3, .oneByOneFromLast)] {
                let results = problem.run(kernels, KernelBench(inputs, gap: gap, order: order))
                #expect(sameBits(results, expected), "\(table) \(problem)")
            }
        }
    }
}
