// Oracle: Swift's Float16, and the definition of bfloat16 as the upper half of a Float.
import CDynamax
import TestSupport
import Testing

@Suite struct ConversionTests {
    /// Floats around every boundary of the half formats: their values, the middles between them, and next to those.
    static let floats: [Float] =
        (0..<0x8000).flatMap { bits -> [Float] in
            let value = Float(Float16(bitPattern: UInt16(bits)))
            let next = Float(Float16(bitPattern: UInt16(min(bits + 1, 0x7c00))))
            let middle = value.isFinite && next.isFinite ? value / 2 + next / 2 : value
            return [value, middle, middle.nextUp, middle.nextDown, -middle]
        } + [65519.99, 65520, 65536, 1e30, .infinity, 1e-30, .leastNonzeroMagnitude, 0x1p-25, 0x1.000002p-25, 0x1p-24]

    #if !(arch(x86_64) && os(macOS))
        @Test func `f16 to f32, all of them`() {
            let bits = (0...UInt16.max).map { $0 }
            var y = [Float](repeating: 0, count: bits.count)
            dx_f16_to_f32(bits, &y, Int64(bits.count))
            for (bits, y) in zip(bits, y) {
                let expected = Float(Float16(bitPattern: bits))
                #expect(y.bitPattern == expected.bitPattern || y.isNaN && expected.isNaN)
            }
        }

        @Test func `f32 to f16 rounds to the nearest, ties to even`() {
            var y = [UInt16](repeating: 0, count: Self.floats.count)
            dx_f32_to_f16(Self.floats, &y, Int64(y.count))
            for (x, y) in zip(Self.floats, y) {
                let expected = Float16(x)
                #expect(y == expected.bitPattern || Float16(bitPattern: y).isNaN && expected.isNaN)
            }
        }
    #endif

    @Test func `bf16 to f32, all of them`() {
        let bits = (0...UInt16.max).map { $0 }
        var y = [Float](repeating: 0, count: bits.count)
        dx_bf16_to_f32(bits, &y, Int64(bits.count))
        #expect(zip(bits, y).allSatisfy { UInt32($0) << 16 == $1.bitPattern })
    }

    @Test func `f32 to bf16 rounds to the nearest, ties to even`() {
        var generator = Seeded(3)
        var x = (0..<100_000).map { _ in Float(bitPattern: UInt32.random(in: 0...(.max), using: &generator)) }
        x += (0..<0x7f80).map { Float(bitPattern: UInt32($0) << 16 | 0x8000) }  // all ties
        x += [.infinity, -.infinity, .greatestFiniteMagnitude, 0, -0.0]
        var y = [UInt16](repeating: 0, count: x.count)
        dx_f32_to_bf16(x, &y, Int64(y.count))
        for (x, y) in zip(x, y) {
            let below = x.bitPattern >> 16, rest = x.bitPattern & 0xffff
            let up = rest > 0x8000 || rest == 0x8000 && below % 2 == 1
            #expect(x.isNaN ? Float(bitPattern: UInt32(y) << 16).isNaN : UInt32(y) == below + (up ? 1 : 0))
        }
    }
}
