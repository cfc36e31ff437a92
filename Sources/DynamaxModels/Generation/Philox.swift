import DynamaxTensor

/// A counter-based random number generator, Philox4x32-10 (Salmon et al. 2011), whose whole state is a key and a count.
///
/// The n-th number depends on seed and n alone, so a moved or resumed sequence draws what it would have drawn.
public struct Philox: RandomNumberGenerator, Hashable, Sendable, Codable {
    /// The key.
    public let seed: UInt64
    /// 32-bit numbers drawn so far.
    public private(set) var drawn: UInt64

    /// Starts at the first number, or after `drawn` of them.
    public init(seed: UInt64, drawn: UInt64 = 0) {
        self.seed = seed
        self.drawn = drawn
    }

    /// The next 32 random bits.
    public mutating func next32() -> UInt32 {
        let count = drawn / 4
        let block = Philox.block(
            counter: [UInt32(truncatingIfNeeded: count), UInt32(count >> 32), 0, 0],
            key: [UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)])
        let word = block[Int(drawn % 4)]
        drawn &+= 1
        return word
    }

    public mutating func next() -> UInt64 {
        let low = UInt64(next32())
        return low | UInt64(next32()) << 32
    }

    /// A number in 0 ..< 1, of 24 random bits.
    public mutating func uniform() -> Float {
        Float(next32() >> 8) * 0x1p-24
    }

    /// A normally distributed number (Box and Muller).
    public mutating func normal() -> Float {
        let radius = (-2 * logarithm(1 - uniform())).squareRoot()
        return radius * cosine(2 * .pi * uniform())
    }

    /// Ten rounds over a counter.
    package static func block(
        counter: InlineArray<4, UInt32>, key: InlineArray<2, UInt32>
    ) -> InlineArray<4, UInt32> {
        var x = counter
        var key = key
        for _ in 0..<10 {
            let a = UInt64(x[0]) * 0xD251_1F53
            let b = UInt64(x[2]) * 0xCD9E_8D57
            x = [
                UInt32(b >> 32) ^ x[1] ^ key[0], UInt32(truncatingIfNeeded: b),
                UInt32(a >> 32) ^ x[3] ^ key[1], UInt32(truncatingIfNeeded: a),
            ]
            key[0] &+= 0x9E37_79B9
            key[1] &+= 0xBB67_AE85
        }
        return x
    }
}
