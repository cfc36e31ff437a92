import CDynamax

/// A format of packed weights and its group, 1 for the float formats.
struct PackedFormat: Sendable, CustomStringConvertible {
    var format: dx_format
    var group = 1

    static let f32 = PackedFormat(format: DX_F32), f16 = PackedFormat(format: DX_F16)
    static let bf16 = PackedFormat(format: DX_BF16)

    static func int8(_ group: Int) -> PackedFormat { PackedFormat(format: DX_INT8, group: group) }
    static func int4(_ group: Int) -> PackedFormat { PackedFormat(format: DX_INT4, group: group) }

    var isInteger: Bool { group > 1 }

    func padded(_ inputs: Int) -> Int {
        let multiple = format == DX_BF16 ? 2 : group
        return (inputs + multiple - 1) / multiple * multiple
    }

    func product(_ kernels: dx_kernels) -> dx_task {
        switch format {
        case DX_F32: kernels.product_f32
        case DX_F16: kernels.product_f16
        case DX_BF16: kernels.product_bf16
        case DX_INT8: kernels.product_int8
        default: kernels.product_int4
        }
    }

    var description: String {
        switch format {
        case DX_F32: "f32"
        case DX_F16: "f16"
        case DX_BF16: "bf16"
        case DX_INT8: "int8/\(group)"
        default: "int4/\(group)"
        }
    }
}

/// Weights packed by a table, x quantized where the format asks for it, and their product.
struct ProductProblem: KernelProblem {
    var rows: Int
    var inputs: Int, outputs: Int
    var format: PackedFormat
    var biased = true, adding = true
    /// Rows of x that the product is called with at a time.
    var rowsAtOnce = Int.max

    private var padded: Int { format.padded(inputs) }

    var inputLengths: [String: Int] {
        var lengths = ["x": rows * inputs, "w": outputs * inputs]
        if biased { lengths["bias"] = outputs }
        if adding { lengths["residual"] = rows * outputs }
        return lengths
    }

    /// The packed matrix: its weights and scales.
    struct Packed {
        let weights: UnsafeMutableRawPointer
        let scales: UnsafeMutablePointer<Float>
    }

    func packed(_ kernels: dx_kernels, _ bench: KernelBench) -> Packed {
        let floats = blocks(outputs) * 16 * padded
        let packed = Packed(weights: UnsafeMutableRawPointer(bench.scratch(floats)), scales: bench.scratch(floats))
        let arguments = dx_pack(
            format: format.format, inputs: Int64(padded), width: Int64(inputs), outputs: Int64(outputs),
            group: Int64(format.group), first_block: 0, rows: bench.dense("w"), weights: packed.weights,
            scales: packed.scales)
        runUnits(kernels.pack, arguments, units: blocks(outputs), order: bench.order)
        return packed
    }

    /// The matrix as its format holds it.
    func unpacked(_ kernels: dx_kernels, _ bench: KernelBench) -> [Float] {
        let packed = packed(kernels, bench), y = bench.scratch(outputs * inputs)
        let arguments = dx_unpack(
            format: format.format, inputs: Int64(padded), width: Int64(inputs), outputs: Int64(outputs),
            group: Int64(format.group), weights: packed.weights, scales: packed.scales, y: y)
        runUnits(kernels.unpack, arguments, units: outputs, order: bench.order)
        return Array(UnsafeBufferPointer(start: y, count: outputs * inputs))
    }

    /// Whether a table takes so many rows tiled, as the device does.
    private func tiles(_ count: Int, _ kernels: dx_kernels) -> Bool {
        format.isInteger && kernels.tiled_rows > 0 && count >= kernels.tiled_rows
            && dx_tile_inputs(Int64(format.group)) > 0
    }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let packed = packed(kernels, bench)
        let x = bench.rows("x", width: inputs), y = bench.result("y", rows, width: outputs)
        let bias = bench.optional("bias"), residual = adding ? bench.rows("residual", width: outputs) : nil
        let groups = padded / format.group
        for first in stride(from: 0, to: rows, by: min(rowsAtOnce, rows)) {
            let count = min(rowsAtOnce, rows - first)
            let tiled = tiles(count, kernels), held = Int(dx_tiled_rows(Int64(count)))
            let values = bench.bytes(held * padded)
            let scales = bench.scratch(held * groups), sums = bench.scratch(held * groups)
            let exactSums = UnsafeMutableRawPointer(sums).assumingMemoryBound(to: Int32.self)
            if format.isInteger {
                let arguments = dx_quantize(
                    rows: Int64(count), width: Int64(inputs), inputs: Int64(padded), group: Int64(format.group),
                    x: x.read + first * Int(x.stride), x_stride: x.stride, tiled: tiled, quantized: values,
                    scales: scales, sums: exactSums)
                runUnits(kernels.quantize, arguments, units: count, order: bench.order)
            }
            let arguments = dx_product(
                rows: Int64(count), inputs: Int64(padded), outputs: Int64(outputs),
                group: Int64(format.group), x: x.read + first * Int(x.stride), x_stride: x.stride,
                x_width: Int64(inputs), quantized: values, tiled: tiled, x_scales: scales, x_sums: exactSums,
                weights: packed.weights, scales: packed.scales, bias: bias,
                residual: residual.map { $0.read + first * Int($0.stride) }, residual_stride: residual?.stride ?? 0,
                y: y.base + first * Int(y.stride), y_stride: y.stride)
            runUnits(format.product(kernels), arguments, units: blocks(outputs), order: bench.order)
        }
        return ["y": y.values]
    }
}

extension KernelBench {
    /// The same in bytes.
    func bytes(_ count: Int) -> UnsafeMutablePointer<Int8> {
        UnsafeMutableRawPointer(scratch(count / 4 + 1)).assumingMemoryBound(to: Int8.self)
    }

    /// Memory that has not been written.
    func scratch(_ count: Int) -> UnsafeMutablePointer<Float> {
        UnsafeMutablePointer(mutating: dense([Float](repeating: .nan, count: count)))
    }
}
