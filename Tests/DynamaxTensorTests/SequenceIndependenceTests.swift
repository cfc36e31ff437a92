// Oracle: the same kernel over whole sequences in one call.
import CDynamax
import TestSupport
import Testing

@Suite struct SequenceIndependenceTests {
    static let schedules: [Schedule] = [
        Schedule(chunks: [1]), Schedule(chunks: [3, 1, 8, 64]), Schedule(chunks: [7], separate: true),
        Schedule(chunks: [65, 2, 5]), Schedule(chunks: [1, 4, 2], moves: true),
    ]

    @Test(arguments: ["scalar"] + Tables.vectorNames)
    func `how sequences are cut into calls does not change a bit`(table: String) throws {
        let kernels = try #require(Tables.named(table)), lengths = [5, 1, 150]
        for schedule in Self.schedules {
            let problems: [(whole: any KernelProblem, cut: any KernelProblem)] = [
                pair(AttentionProblem(lengths: lengths, heads: 4, kvHeads: 2, width: 20)) { $0.schedule = schedule },
                pair(AttentionProblem(lengths: lengths, heads: 2, kvHeads: 2, width: 16, window: 70)) {
                    $0.schedule = schedule
                },
                pair(AttentionProblem(lengths: lengths, heads: 4, kvHeads: 2, width: 20, format: DX_BF16)) {
                    $0.schedule = schedule
                },
                pair(AttentionProblem(lengths: lengths, heads: 6, kvHeads: 2, width: 40, window: 70, format: DX_INT8)) {
                    $0.schedule = schedule
                },
                pair(ConvolveProblem(lengths: lengths, channels: 21, taps: 4)) { $0.schedule = schedule },
                pair(ConvolveProblem(lengths: lengths, channels: 21, taps: 7)) { $0.schedule = schedule },
                pair(ScanProblem(lengths: lengths, channels: 21, states: 5)) { $0.schedule = schedule },
                pair(SSDProblem(lengths: lengths, heads: 2, groups: 1, width: 40, states: 7)) {
                    $0.schedule = schedule
                },
            ]
            for (whole, cut) in problems {
                let inputs = whole.inputs()
                let expected = whole.run(kernels, KernelBench(inputs)), results = cut.run(kernels, KernelBench(inputs))
                #expect(sameBits(results, expected), "\(cut)")
                #expect(results["y"]!.allSatisfy { $0.isFinite })
            }
        }
    }

    /// The state must not depend on whether somebody wants the output.
    @Test(arguments: ["scalar"] + Tables.vectorNames)
    func `states move alike without output`(table: String) throws {
        let kernels = try #require(Tables.named(table))
        var scan = ScanProblem(channels: 21, states: 5)
        var ssd = SSDProblem(heads: 2, groups: 1, width: 40, states: 7)
        let scanInputs = scan.inputs(), ssdInputs = ssd.inputs()
        let scanState = scan.run(kernels, KernelBench(scanInputs))["state"]!
        let ssdState = ssd.run(kernels, KernelBench(ssdInputs))["state"]!
        scan.wantsOutput = false
        ssd.wantsOutput = false
        #expect(sameBits(scan.run(kernels, KernelBench(scanInputs))["state"]!, scanState))
        #expect(sameBits(ssd.run(kernels, KernelBench(ssdInputs))["state"]!, ssdState))
    }

    /// A row that is not a number must harm neither the rows before it nor other sequences.
    @Test(arguments: ["scalar"] + Tables.vectorNames, ["f32", "bf16", "int8"])
    func `a bad row harms only those that see it`(table: String, format: String) throws {
        let kernels = try #require(Tables.named(table))
        let formats = ["f32": DX_F32, "bf16": DX_BF16, "int8": DX_INT8]
        let problem = AttentionProblem(lengths: [40, 40], heads: 2, kvHeads: 1, width: 12, format: formats[format]!)
        let expected = problem.run(kernels, KernelBench(problem.inputs()))["y"]!
        for bad in [["k", "v"], ["k"], ["v"]] {
            var inputs = problem.inputs()
            for name in bad {
                for column in 0..<12 { inputs[name]![33 * 12 + column] = .nan }
            }
            let y = problem.run(kernels, KernelBench(inputs))["y"]!
            for row in 0..<80 {
                let values = y[(row * 24)..<(row * 24 + 24)]
                if (33..<40).contains(row) {
                    #expect(values.allSatisfy { $0.isNaN }, "row \(row), bad \(bad)")
                } else {
                    let good = Array(expected[(row * 24)..<(row * 24 + 24)])
                    #expect(sameBits(Array(values), good), "row \(row), bad \(bad)")
                }
            }
        }
    }

    private func pair<Problem: KernelProblem>(
        _ problem: Problem, _ change: (inout Problem) -> Void
    ) -> (any KernelProblem, any KernelProblem) {
        var changed = problem
        change(&changed)
        return (problem, changed)
    }
}
