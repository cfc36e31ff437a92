import CDynamax

// Small operations that learning needs beside those of inference.

extension Tensor {
    /// Makes a tensor of equal numbers.
    public init(repeating number: Float, _ shape: Shape, on device: Device) {
        self.init(uninitialized: shape, on: device)
        mutablePointer.update(repeating: number, count: shape.count)
    }

    /// A copy whose numbers nobody else refers to, without gaps.
    var copy: Tensor {
        let copy = Tensor(uninitialized: shape, on: device)
        for row in 0..<matrixRows {
            (copy.mutablePointer + row * matrixColumns).update(from: pointer + row * matrixStride, count: matrixColumns)
        }
        extendLifetime(self)
        return copy
    }

    /// This tensor, copied if its rows lie apart.
    var contiguous: Tensor { isContiguous ? self : copy }

    // A tensor of any shape as rows: a vector is one row, and inner axes count as columns.
    var matrixRows: Int { shape.rank == 1 ? 1 : shape[0] }
    var matrixColumns: Int { shape.rank == 1 ? shape[0] : shape.count / max(shape[0], 1) }
    var matrixStride: Int { rowStride }

    /// self + factor * other
    public func adding(_ other: Tensor, factor: Float = 1) -> Tensor {
        let y = Tensor(uninitialized: shape, on: device)
        add(self, other, factor, to: y)
        return y.recorded([self, other]) { .sum(self, other, factor: factor) }
    }

    /// Adds to numbers that belong to the caller alone.
    func addInPlace(_ other: Tensor) {
        add(self, other, 1, to: self)
    }

    private func add(_ a: Tensor, _ b: Tensor, _ factor: Float, to y: Tensor) {
        precondition(a.shape.count == b.shape.count && a.matrixColumns == b.matrixColumns)
        let arguments = dx_add(
            rows: Int64(a.matrixRows), columns: Int64(a.matrixColumns), a: a.pointer, b: b.pointer,
            a_stride: Int64(a.matrixStride), b_stride: Int64(b.matrixStride), factor: factor, y: y.mutablePointer,
            y_stride: Int64(y.matrixStride))
        device.run(device.gradientKernels.pointee.add, arguments, units: a.matrixRows, grain: 16)
        extendLifetime(a)
        extendLifetime(b)
        extendLifetime(y)
    }

    func scaled(by factor: Float) -> Tensor {
        Tensor(zeros: shape, on: device).adding(self.detached, factor: factor)
    }

    /// The products of numbers at equal places.
    func multiplied(by other: Tensor) -> Tensor {
        precondition(shape == other.shape)
        let (a, b) = (contiguous, other.contiguous)
        let y = Tensor(uninitialized: shape, on: device)
        for index in 0..<shape.count { y.mutablePointer[index] = a.pointer[index] * b.pointer[index] }
        extendLifetime(a)
        extendLifetime(b)
        return y
    }

    /// The sum of each column, [columns].
    func columnSums() -> Tensor {
        let y = Tensor(uninitialized: [matrixColumns], on: device)
        let arguments = dx_column_sums(
            rows: Int64(matrixRows), columns: Int64(matrixColumns), x: pointer, scale: nil,
            x_stride: Int64(matrixStride), scale_stride: 0, y: y.mutablePointer)
        device.run(device.gradientKernels.pointee.column_sums, arguments, units: blocks(of: matrixColumns))
        extendLifetime(self)
        return y
    }

    /// The sum of each column of self * scale, [columns].
    func columnSums(times scale: Tensor) -> Tensor {
        let y = Tensor(uninitialized: [matrixColumns], on: device)
        let arguments = dx_column_sums(
            rows: Int64(matrixRows), columns: Int64(matrixColumns), x: pointer, scale: scale.pointer,
            x_stride: Int64(matrixStride), scale_stride: Int64(scale.matrixStride), y: y.mutablePointer)
        device.run(device.gradientKernels.pointee.column_sums, arguments, units: blocks(of: matrixColumns))
        extendLifetime(self)
        extendLifetime(scale)
        return y
    }

    /// The sum of all numbers, [1].
    public func sum() -> Tensor {
        let rows = columnSums().array
        let y = Tensor([rows.reduce(0, +)], [1], on: device)
        return y.recorded([self]) { .sumOfAll(self) }
    }

    /// Rows added up by where they go in a table: the gradient of a lookup.
    func scattered(to rows: [Int32], of shape: Shape) -> Tensor {
        let table = Tensor(zeros: shape, on: device)
        rows.withUnsafeBufferPointer { indices in
            let arguments = dx_scatter_rows(
                rows: Int64(matrixRows), columns: Int64(matrixColumns), indices: indices.baseAddress, x: pointer,
                x_stride: Int64(matrixStride), table: table.mutablePointer, table_stride: Int64(table.matrixStride))
            device.run(device.gradientKernels.pointee.scatter_rows, arguments, units: blocks(of: matrixColumns))
        }
        extendLifetime(self)
        extendLifetime(table)
        return table
    }

    /// Rows and columns exchanged, [columns, rows].
    func transposed() -> Tensor {
        let y = Tensor(uninitialized: Shape(rows: matrixColumns, columns: matrixRows), on: device)
        let arguments = dx_transpose(
            rows: Int64(matrixRows), columns: Int64(matrixColumns), x: pointer, x_stride: Int64(matrixStride),
            y: y.mutablePointer, y_stride: Int64(y.rowStride))
        device.run(device.gradientKernels.pointee.transpose, arguments, units: blocks(of: matrixRows))
        extendLifetime(self)
        return y
    }

    /// -exp(x), as the decay rates of state-space models are made from their logarithms.
    public func negatedExponential() -> Tensor {
        let numbers = contiguous
        let y = Tensor(uninitialized: shape, on: device)
        for index in 0..<shape.count { y.mutablePointer[index] = -exponential(numbers.pointer[index]) }
        extendLifetime(numbers)
        return y.recorded([self]) { .negatedExponential(self) }
    }

    /// Numbers rounded to whole ones; gradients pass as if they were not (Bengio et al. 2013, straight-through estimator).
    public func roundedStraightThrough() -> Tensor {
        mapStraightThrough(mask: nil) { $0.rounded(.toNearestOrEven) }
    }

    /// Numbers clamped to a range; gradients pass inside it.
    public func clamped(to range: ClosedRange<Float>) -> Tensor {
        let mask = map { range.contains($0) ? 1 : 0 }
        return mapStraightThrough(mask: mask) { min(max($0, range.lowerBound), range.upperBound) }
    }

    private func mapStraightThrough(mask: Tensor?, _ body: (Float) -> Float) -> Tensor {
        map(body).recorded([self]) { .straightThrough(self, mask: mask) }
    }

    private func map(_ body: (Float) -> Float) -> Tensor {
        let numbers = contiguous
        let y = Tensor(uninitialized: shape, on: device)
        for index in 0..<shape.count { y.mutablePointer[index] = body(numbers.pointer[index]) }
        extendLifetime(numbers)
        return y
    }
}

/// Blocks of 16 that cover `count`.
func blocks(of count: Int) -> Int { (count + Int(DX_LANES) - 1) / Int(DX_LANES) }
