import CDynamax

struct TransposeCase: GradientCase {
    var rows: Int, columns: Int

    var inputLengths: [String: Int] { ["x": rows * columns] }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: columns), y = bench.result("y", columns, width: rows)
        let arguments = dx_transpose(
            rows: Int64(rows), columns: Int64(columns), x: x.read, x_stride: x.stride, y: y.base, y_stride: y.stride)
        return bench.run(kernels.transpose, arguments, units: blocks(rows))
    }
}

struct ColumnSumsCase: GradientCase {
    var rows: Int, columns: Int
    var scaled: Bool

    var inputLengths: [String: Int] {
        ["x": rows * columns].merging(scaled ? ["scale": rows * columns] : [:]) { $1 }
    }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: columns), scale = scaled ? bench.rows("scale", width: columns) : nil
        let arguments = dx_column_sums(
            rows: Int64(rows), columns: Int64(columns), x: x.read, scale: scale?.read, x_stride: x.stride,
            scale_stride: scale?.stride ?? 0, y: bench.denseResult("y", columns))
        return bench.run(kernels.column_sums, arguments, units: blocks(columns))
    }
}

/// The parts of a double are compared as floats: what is added up, and what that leaves out.
struct SquareSumsCase: GradientCase {
    var count: Int

    var inputLengths: [String: Int] { ["x": count] }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let chunks = (count + Int(DX_SQUARES) - 1) / Int(DX_SQUARES)
        var sums = [Double](repeating: 0, count: chunks)
        sums.withUnsafeMutableBufferPointer { sums in
            let arguments = dx_square_sums(count: Int64(count), x: bench.dense("x"), sums: sums.baseAddress)
            _ = bench.run(kernels.square_sums, arguments, units: chunks)
        }
        return ["high": sums.map { Float($0) }, "low": sums.map { Float($0 - Double(Float($0))) }]
    }
}

/// Adds rows to a table of three rows, some of them more than once.
struct ScatterRowsCase: GradientCase {
    var rows: Int, columns: Int

    var inputLengths: [String: Int] { ["x": rows * columns, "table": 3 * columns] }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: columns)
        return (0..<rows).map { Int32($0 * $0 % 3) }.withUnsafeBufferPointer { indices in
            let arguments = dx_scatter_rows(
                rows: Int64(rows), columns: Int64(columns), indices: indices.baseAddress, x: x.read, x_stride: x.stride,
                table: bench.state("table"), table_stride: Int64(columns))
            return bench.run(kernels.scatter_rows, arguments, units: blocks(columns))
        }
    }
}

struct AddCase: GradientCase {
    var rows: Int, columns: Int
    var factor: Float = -0.3

    var inputLengths: [String: Int] { ["a": rows * columns, "b": rows * columns] }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let a = bench.rows("a", width: columns), b = bench.rows("b", width: columns)
        let y = bench.result("y", rows, width: columns)
        let arguments = dx_add(
            rows: Int64(rows), columns: Int64(columns), a: a.read, b: b.read, a_stride: a.stride, b_stride: b.stride,
            factor: factor, y: y.base, y_stride: y.stride)
        return bench.run(kernels.add, arguments, units: rows)
    }
}
