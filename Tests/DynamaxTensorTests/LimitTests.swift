// Oracles: sums in Swift of what is read, and arithmetic on how many multiply-adds an instruction does.
import CDynamax
import DynamaxTensor
import TestSupport
import Testing

@Suite struct LimitTests {
    /// Instruction sets of this processor, and the multiply-adds of a step.
    static let perStep: [(set: dx_isa, int8: Int64, bf16: Int64?, f32: Int64)] = [
        (DX_SCALAR, 12, nil, 12), (DX_AVX2, 12 * 16, nil, 12 * 8), (DX_AVX512, 12 * 32, nil, 12 * 16),
        (DX_AVX512_VNNI, 12 * 64, nil, 12 * 16), (DX_AMX, 4 * 16384, 4 * 8192, 12 * 16),
    ].filter { dx_limit_kernels_of($0.set) != nil }

    @Test func `all ways of reading read all of it`() throws {
        let unit = Int(DX_READ_UNIT), units = 3
        let words = UnsafeMutableRawBufferPointer.allocate(byteCount: units * unit, alignment: 64)
            .bindMemory(to: UInt64.self)
        defer { words.deallocate() }
        var word: UInt64 = 1
        for index in words.indices {
            word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            words[index] = word
        }
        let expected = (0..<units).map { words[$0 * unit / 8..<($0 + 1) * unit / 8].reduce(0, &+) }
        for set in Self.perStep.map(\.set) {
            let kernels = try #require(dx_limit_kernels_of(set)).pointee
            let ways = withUnsafeBytes(of: kernels.reads) { $0.bindMemory(to: dx_task?.self).map(\.self) }
            #expect(ways.count == Int(DX_READ_WAYS))
            for way in ways {
                var sums = [UInt64](repeating: 0, count: units)
                sums.withUnsafeMutableBufferPointer { sums in
                    var arguments = dx_read(bytes: words.baseAddress, sums: sums.baseAddress)
                    way?(&arguments, 1, 3)
                    way?(&arguments, 0, 1)
                }
                #expect(sums == expected, "\(set)")
            }
        }
    }

    @Test func `each multiply-add is counted`() throws {
        for (set, int8, bf16, f32) in Self.perStep {
            let kernels = try #require(dx_limit_kernels_of(set)).pointee
            for (task, perStep) in [(kernels.int8, int8), (kernels.bf16, bf16), (kernels.f32, f32)] {
                #expect((task == nil) == (perStep == nil))
                guard let task, let perStep else { continue }
                for steps in [1, 1000, 1 << 18] as [Int64] {
                    var counts = [Int64](repeating: -1, count: 3)
                    counts.withUnsafeMutableBufferPointer { counts in
                        var arguments = dx_multiply_adds(steps: steps, counts: counts.baseAddress)
                        task(&arguments, 0, 2)
                    }
                    #expect(counts == [steps * perStep, steps * perStep, -1], "\(set)")
                }
            }
        }
    }

    @Test func `work and time add up to a rate`() throws {
        let limits = MachineLimits(of: try Device(threads: 2), bytes: 4 << 20)
        let read = limits.read(for: 0.01)
        #expect(read.seconds >= 0.01 && read.amount.truncatingRemainder(dividingBy: 4 * 1_048_576) == 0)
        #expect(read.rate > 0 && read.rate == read.amount / read.seconds)
        #expect(limits.multiply(.f32, for: 0)?.amount ?? 0 > 0)
        let scalar = MachineLimits(of: try Device(threads: 1, instructionSet: .scalar), bytes: 0)
        #expect(scalar.multiply(.bf16, for: 0) == nil)
        #expect(scalar.read(for: 0).amount == Double(DX_READ_UNIT))
    }
}
