import DynamaxTensor

/// Random parameters at any shape, for benchmarks that need no download.
///
/// Numbers are drawn so that the rows of a random model keep their size from layer to layer. The same seed gives the same
/// model. In trained models later layers change the rows less and less; where `settling` is below 1, each layer adds so much of
/// what the one before it adds, so that exits agree with the full model about as often as trained ones do.
struct RandomParameters: ParameterSource {
    let location = "random parameters"
    let seed: UInt64
    let settling: Float
    /// Where the rows of matrices are cut from: drawing each number anew would take longer than packing it.
    private let pool: [Float]

    init(seed: UInt64, settling: Float = 1) {
        self.seed = seed
        self.settling = settling
        var random = Philox(seed: seed)
        pool = (0..<1 << 16).map { _ in random.normal() }
    }

    func has(_ name: String) -> Bool { true }

    func matrix(_ name: String, rows: Int, columns: Int) throws -> StoredMatrix {
        let start = hash(name)
        let matrix = RandomRows(rows: rows, columns: columns, pool: pool, start: start, scale: share(of: name))
        return StoredMatrix(rows: matrix, format: .bf16, release: {})
    }

    func numbers(_ name: String, shape: [Int]) throws -> [Float] {
        let count = shape.reduce(1, *)
        if name.contains("norm") { return [Float](repeating: 1, count: count) }
        if name.hasSuffix("A_log") { return (0..<count).map { 0.5 + Float($0 % 16) / 8 } }
        var start = hash(name)
        return (0..<count).map { _ in
            start = (start + 1) % pool.count
            return pool[start] * 0.1
        }
    }

    /// How much of what it would add a matrix adds that leads back to the rows.
    private func share(of name: String) -> Float {
        let parts = name.split(separator: ".")
        guard settling < 1, ["o_proj", "down_proj", "out_proj"].contains(parts.dropLast().last),
            let layers = parts.firstIndex(of: "layers"), let layer = Int(parts[layers + 1])
        else { return 1 }
        return (0..<layer).reduce(1) { share, _ in share * settling }
    }

    /// FNV-1a of the name, mixed with the seed.
    private func hash(_ name: String) -> Int {
        let hash = name.utf8.reduce(seed ^ 0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return Int(hash % UInt64(pool.count))
    }
}

/// A matrix whose rows are pieces of a pool of normally distributed numbers.
private struct RandomRows: RowSource {
    let rows: Int
    let columns: Int
    let pool: [Float]
    let start: Int
    let scale: Float

    func copyRows(_ range: Range<Int>, to numbers: UnsafeMutablePointer<Float>) {
        let scale = scale / Float(columns).squareRoot()
        var target = numbers
        pool.withUnsafeBufferPointer { pool in
            for row in range {
                var index = (start &+ row &* 40_503) & (pool.count - 1), left = columns
                while left > 0 {
                    let run = pool[index...].prefix(left)
                    for (offset, number) in run.enumerated() { target[offset] = number * scale }
                    (index, left, target) = (0, left - run.count, target + run.count)
                }
            }
        }
    }
}
