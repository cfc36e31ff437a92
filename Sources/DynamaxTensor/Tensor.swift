/// A block of f32 numbers on a device: the activations of a model, and its small parameters.
///
/// A tensor is a value: operations make new ones and never change their operands. It is contiguous, except that a
/// matrix may be a range of columns of a wider one, `rowStride` apart. Large weights are `PackedMatrix`.
public struct Tensor: Sendable {
    /// Extents, outermost first.
    public let shape: Shape
    /// Elements between the starts of consecutive rows.
    public let rowStride: Int
    /// The device whose memory holds the numbers and whose kernels work on them.
    public let device: Device

    private let storage: Storage
    private let offset: Int
    /// How the numbers were computed, where gradients are to flow back through it.
    var node: Node?

    private init(shape: Shape, rowStride: Int, device: Device, storage: Storage, offset: Int) {
        self.shape = shape
        self.rowStride = rowStride
        self.device = device
        self.storage = storage
        self.offset = offset
    }

    /// Makes a tensor with unspecified contents, for the operation that fills it through `mutablePointer`.
    package init(uninitialized shape: Shape, on device: Device) {
        self.init(
            shape: shape, rowStride: shape.rank == 1 ? shape[0] : shape.count / max(shape[0], 1), device: device,
            storage: device.storage(bytes: shape.count * MemoryLayout<Float>.size), offset: 0)
    }

    /// Makes a tensor from numbers in row-major order; `shape` holds as many.
    public init(_ numbers: [Float], _ shape: Shape, on device: Device) {
        precondition(numbers.count == shape.count, "\(numbers.count) numbers do not fill the shape \(shape)")
        self.init(uninitialized: shape, on: device)
        numbers.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            mutablePointer.update(from: base, count: source.count)
        }
    }

    /// Makes a tensor of zeros.
    public init(zeros shape: Shape, on device: Device) {
        self.init(uninitialized: shape, on: device)
        mutablePointer.update(repeating: 0, count: shape.count)
    }

    /// The number of rows: the outermost extent of a matrix.
    public var rows: Int { shape[0] }

    /// The number of columns of a matrix.
    public var columns: Int { shape.rank == 1 ? shape[0] : shape[1] }

    /// Whether the rows follow each other without gaps.
    public var isContiguous: Bool { rows <= 1 || shape.rank == 1 || rowStride == shape.count / rows }

    /// The address of the first number; valid while the tensor is alive (see `withExtendedLifetime`).
    package var pointer: UnsafePointer<Float> { UnsafePointer(storage.floats + offset) }

    /// The address for the operation that fills this tensor, before it hands it out.
    package var mutablePointer: UnsafeMutablePointer<Float> { storage.floats + offset }

    /// A view of some columns of a matrix.
    public func columns(_ range: Range<Int>) -> Tensor {
        precondition(shape.rank == 2 && range.lowerBound >= 0 && range.upperBound <= columns)
        return view(rows: 0..<rows, columns: range)
    }

    /// A view of some rows.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(shape.rank == 2 && range.lowerBound >= 0 && range.upperBound <= rows)
        return view(rows: range, columns: 0..<columns)
    }

    private func view(rows: Range<Int>, columns: Range<Int>) -> Tensor {
        let view = Tensor(
            shape: Shape(rows: rows.count, columns: columns.count), rowStride: rowStride, device: device,
            storage: storage, offset: offset + rows.lowerBound * rowStride + columns.lowerBound)
        return view.recorded([self]) { .view(self, rows: rows, columns: columns) }
    }

    /// The same numbers, cut off from how they were computed.
    public var detached: Tensor {
        var copy = self
        copy.node = nil
        return copy
    }

    /// The same numbers in another shape of as many; rows must lie without gaps.
    func reshaped(_ shape: Shape) -> Tensor {
        precondition(isContiguous && shape.count == self.shape.count)
        return Tensor(
            shape: shape, rowStride: shape.rank == 1 ? shape[0] : shape.count / max(shape[0], 1), device: device,
            storage: storage, offset: offset)
    }

    /// The numbers in row-major order.
    public var array: [Float] {
        withExtendedLifetime(self) {
            if isContiguous { return Array(UnsafeBufferPointer(start: pointer, count: shape.count)) }
            return (0..<rows).flatMap { row in
                UnsafeBufferPointer(start: pointer + row * rowStride, count: columns)
            }
        }
    }

    /// Gives read access to one row without copying.
    public func withRow<Result>(_ row: Int, _ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        precondition((0..<rows).contains(row))
        return try withExtendedLifetime(self) {
            try body(UnsafeBufferPointer(start: pointer + row * rowStride, count: columns))
        }
    }
}
