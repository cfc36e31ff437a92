import CDynamax

/// Runs kernels over arrays by name: the inputs of a case go in, and what the kernel wrote comes out.
///
/// Matrices begin where a line of memory does, as those of a device. Rows lie `gap` numbers apart, and these gaps are NaN, as is
/// memory that has not been written.
final class KernelBench {
    /// How units are handed to a kernel.
    enum Order: CaseIterable { case together, oneByOneFromLast }

    let inputs: [String: [Float]]
    let gap: Int
    let order: Order
    private var allocations: [UnsafeMutableRawBufferPointer] = []
    private var results: [(name: String, rows: Rows)] = []

    /// A matrix in memory.
    struct Rows {
        let base: UnsafeMutablePointer<Float>
        let count: Int, width: Int, stride: Int64

        var read: UnsafePointer<Float> { UnsafePointer(base) }
        var values: [Float] { (0..<count).flatMap { row in (0..<width).map { base[row * Int(stride) + $0] } } }
    }

    init(_ inputs: [String: [Float]], gap: Int = 0, order: Order = .together) {
        self.inputs = inputs
        self.gap = gap
        self.order = order
    }

    deinit {
        for memory in allocations { memory.deallocate() }
    }

    private func matrix(_ values: [Float], width: Int, gap: Int) -> Rows {
        let count = width == 0 ? 0 : values.count / width, stride = width + gap
        // One number more: the address of an empty matrix must not be NULL either.
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: (count * stride + 1) * 4, alignment: 64)
        allocations.append(memory)
        let array = memory.bindMemory(to: Float.self)
        array.initialize(repeating: .nan)
        for row in 0..<count {
            for column in 0..<width { array[row * stride + column] = values[row * width + column] }
        }
        return Rows(base: array.baseAddress!, count: count, width: width, stride: Int64(stride))
    }

    /// An input of the case as a matrix.
    func rows(_ name: String, width: Int) -> Rows { matrix(inputs[name]!, width: width, gap: gap) }

    /// An input without gaps.
    func dense(_ name: String) -> UnsafePointer<Float> { matrix(inputs[name]!, width: 1, gap: 0).read }

    /// An input that the case may lack.
    func optional(_ name: String) -> UnsafePointer<Float>? { inputs[name] == nil ? nil : dense(name) }

    /// Numbers without gaps for a parameter that is computed rather than given.
    func dense(_ values: [Float]) -> UnsafePointer<Float> { matrix(values, width: 1, gap: 0).read }

    /// Where a kernel writes a matrix.
    func result(_ name: String, _ count: Int, width: Int) -> Rows {
        let rows = matrix([Float](repeating: .nan, count: count * width), width: width, gap: gap)
        results.append((name, rows))
        return rows
    }

    /// Where a kernel writes numbers without gaps.
    func denseResult(_ name: String, _ count: Int) -> UnsafeMutablePointer<Float> {
        let rows = matrix([Float](repeating: .nan, count: count), width: 1, gap: 0)
        results.append((name, rows))
        return rows.base
    }

    /// A matrix that a kernel changes, with the contents of an input.
    func state(_ name: String) -> UnsafeMutablePointer<Float> {
        let rows = matrix(inputs[name]!, width: 1, gap: 0)
        results.append((name, rows))
        return rows.base
    }

    /// Runs a kernel over all units and returns what it has written.
    func run<Arguments>(_ task: dx_task, _ arguments: Arguments, units: Int) -> [String: [Float]] {
        runUnits(task, arguments, units: units, order: order)
        return Dictionary(uniqueKeysWithValues: results.map { ($0.name, $0.rows.values) })
    }
}

/// Sequences of these lengths, one after the other.
func sequences(_ lengths: [Int]) -> [dx_sequence] {
    var row = 0
    return lengths.map { length in
        defer { row += length }
        return dx_sequence(
            row: Int64(row), rows: Int64(length), position: 0, tile: 0, blocks: nil, window: nil, state: nil,
            old_window: nil, old_state: nil)
    }
}

/// Blocks of 16.
func blocks(_ count: Int) -> Int { (count + 15) / 16 }
