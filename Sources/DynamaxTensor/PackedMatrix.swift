import CDynamax

/// How the weights of a packed matrix are held.
public enum WeightFormat: Hashable, Sendable, CustomStringConvertible {
    case f32, f16, bf16
    /// 8 bits a weight, one f32 scale for each `group` inputs of an output.
    case int8(group: Int)
    /// 4 bits a weight, one f32 scale for each `group` inputs of an output.
    case int4(group: Int)

    /// Inputs that share a scale, or 1 for the float formats.
    public var group: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .int8(let group), .int4(let group): group
        }
    }

    /// Bits of one weight, scales not counted.
    public var bits: Int {
        switch self {
        case .f32: 32
        case .f16, .bf16: 16
        case .int8: 8
        case .int4: 4
        }
    }

    public var description: String {
        switch self {
        case .f32: "f32"
        case .f16: "f16"
        case .bf16: "bf16"
        case .int8(let group): "int8/\(group)"
        case .int4(let group): "int4/\(group)"
        }
    }

    var kernelFormat: dx_format {
        switch self {
        case .f32: DX_F32
        case .f16: DX_F16
        case .bf16: DX_BF16
        case .int8: DX_INT8
        case .int4: DX_INT4
        }
    }

    /// Inputs are padded with zeros to a multiple of this.
    var inputMultiple: Int {
        switch self {
        case .f32, .f16: 1
        case .bf16: Int(DX_MIXED_STEP)  // so that mixed products take them too
        case .int8(let group), .int4(let group): group
        }
    }
}

/// A weight matrix in the layout that the product kernels stream: [outputs, inputs] in blocks of 16 outputs.
///
/// The layout serves one row and many with the same bits (see `dx_product` in CDynamax.h). It cannot be changed
/// after packing.
public struct PackedMatrix: Sendable {
    /// Rows of the matrix.
    public let outputs: Int
    /// Columns of the matrix.
    public let inputs: Int
    /// How the weights are held.
    public let format: WeightFormat
    /// The device that packed it.
    public let device: Device

    let weights: Storage
    let scales: Storage?

    private var paddedInputs: Int { (inputs + format.inputMultiple - 1) / format.inputMultiple * format.inputMultiple }

    /// Packs a matrix whose rows `fill` writes as f32, a range of rows at a time.
    ///
    /// - Parameters:
    ///   - outputs: rows of the matrix, above zero.
    ///   - inputs: columns of the matrix, above zero.
    ///   - format: groups are multiples of 8 up to 256.
    ///   - device: packs, and multiplies later.
    ///   - fill: writes rows `range` of the matrix, [range.count, inputs], to the given memory.
    public init(
        outputs: Int, inputs: Int, format: WeightFormat, on device: Device,
        fill: (_ rows: Range<Int>, _ numbers: UnsafeMutablePointer<Float>) throws -> Void
    ) rethrows {
        self.init(emptyFor: outputs, inputs: inputs, format: format, on: device)
        let lanes = Int(DX_LANES)
        let (blocks, padded) = (blocks(of: outputs), paddedInputs)

        // A MiB of f32 rows at a time, which stays in a cache, but a block for each thread.
        let step = min(blocks, max(device.threads, (1 << 18) / (lanes * inputs))) * lanes
        let buffer = device.storage(bytes: step * inputs * 4)
        for start in stride(from: 0, to: outputs, by: step) {
            let range = start..<min(start + step, outputs)
            try fill(range, buffer.floats)
            let arguments = dx_pack(
                format: format.kernelFormat, inputs: Int64(padded), width: Int64(inputs), outputs: Int64(outputs),
                group: Int64(format.group), first_block: Int64(start / lanes), rows: buffer.floats,
                weights: weights.address, scales: scales?.floats)
            device.run(device.kernels.pointee.pack, arguments, units: (range.count + lanes - 1) / lanes)
        }
        extendLifetime(buffer)
    }

    /// Makes room for a matrix, for other initializers to fill.
    init(emptyFor outputs: Int, inputs: Int, format: WeightFormat, on device: Device) {
        precondition(outputs > 0 && inputs > 0)
        precondition(format.group == 1 || PackedLayout.groups.contains(format.group), "unsupported group")
        (self.outputs, self.inputs, self.format, self.device) = (outputs, inputs, format, device)
        let padded = (inputs + format.inputMultiple - 1) / format.inputMultiple * format.inputMultiple
        let numbers = blocks(of: outputs) * Int(DX_LANES) * padded
        weights = Storage(capacity: numbers * format.bits / 8)
        scales = format.group > 1 ? Storage(capacity: numbers / format.group * 4) : nil
    }

    /// Takes what is packed already.
    init(outputs: Int, inputs: Int, format: WeightFormat, weights: Storage, scales: Storage, on device: Device) {
        (self.outputs, self.inputs, self.format, self.device) = (outputs, inputs, format, device)
        (self.weights, self.scales) = (weights, scales)
    }

    /// Packs a dense matrix, [outputs, inputs], as f32.
    init(packingRowsOf dense: Tensor) {
        let rows = dense.contiguous
        (outputs, inputs, format, device, scales) = (dense.rows, dense.columns, .f32, dense.device, nil)
        weights = device.storage(bytes: blocks(of: outputs) * Int(DX_LANES) * inputs * 4)
        let arguments = dx_pack(
            format: DX_F32, inputs: Int64(inputs), width: Int64(inputs), outputs: Int64(outputs), group: 1,
            first_block: 0, rows: rows.pointer, weights: weights.address, scales: nil)
        device.run(device.kernels.pointee.pack, arguments, units: blocks(of: outputs))
        extendLifetime(rows)
    }

    /// Packs the transpose of a dense matrix, [inputs, outputs], as f32.
    init(packingColumnsOf dense: Tensor) {
        (outputs, inputs, format, device, scales) = (dense.columns, dense.rows, .f32, dense.device, nil)
        weights = device.storage(bytes: blocks(of: outputs) * Int(DX_LANES) * inputs * 4)
        let arguments = dx_pack_transposed(
            rows: Int64(inputs), columns: Int64(outputs), x: dense.pointer, x_stride: Int64(dense.rowStride),
            weights: weights.floats)
        device.run(dx_pack_transposed_task, arguments, units: blocks(of: outputs))
        extendLifetime(dense)
    }

    /// Bytes that one row of activations streams: weights and scales.
    public var bytes: Int { weights.capacity + (scales?.capacity ?? 0) }

    /// The matrix as f32 numbers, row-major: what the products multiply by.
    public func unpacked() -> [Float] {
        withExtendedLifetime(self) {
            [Float](unsafeUninitializedCapacity: outputs * inputs) { buffer, count in
                let arguments = dx_unpack(
                    format: format.kernelFormat, inputs: Int64(paddedInputs), width: Int64(inputs),
                    outputs: Int64(outputs), group: Int64(format.group), weights: weights.address,
                    scales: scales?.floats, y: buffer.baseAddress)
                device.run(device.kernels.pointee.unpack, arguments, units: outputs)
                count = outputs * inputs
            }
        }
    }

    /// The product of each row of `x` with the matrix, plus `bias` and `residual` where given.
    ///
    /// Gradients pass through to x, bias and residual, though never to the matrix: so a frozen model can stand between a loss
    /// and what learns below it. Where the product rounds x to 8 bits, they pass as if it did not.
    ///
    /// - Parameters:
    ///   - x: [rows, inputs]
    ///   - bias: [outputs]
    ///   - residual: [rows, outputs]
    /// - Returns: [rows, outputs]
    public func multiply(_ x: Tensor, bias: Tensor? = nil, adding residual: Tensor? = nil) -> Tensor {
        product(x, bias: bias, adding: residual).recorded([x, bias, residual]) {
            .frozenProduct(.init(x: x, weights: self, bias: bias, residual: residual))
        }
    }

    /// The product without a place on the tape.
    func product(_ x: Tensor, bias: Tensor? = nil, adding residual: Tensor? = nil) -> Tensor {
        product(x, blocks: 0..<blocks(of: outputs), bias: bias, adding: residual)
    }

    /// Some outputs of the product, with the same bits as in the whole one. No other blocks of weights than theirs are read.
    ///
    /// - Parameters:
    ///   - x: [rows, inputs]
    ///   - range: of the outputs.
    ///   - bias: of all outputs, [outputs]
    /// - Returns: [rows, range.count]
    public func multiply(_ x: Tensor, outputs range: Range<Int>, bias: Tensor? = nil) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= outputs)
        // Learning takes the whole product, which gradients go back through.
        if x.isTracked, x.device.isRecording { return multiply(x, bias: bias).columns(range) }
        let blocks = blockSpan(of: range)
        let first = blocks.lowerBound * Int(DX_LANES)
        return product(x, blocks: blocks, bias: bias).columns(range.lowerBound - first..<range.upperBound - first)
    }

    /// Bytes that one row of activations streams for some of the outputs.
    public func bytes(ofOutputs range: Range<Int>) -> Int {
        bytes / blocks(of: outputs) * blockSpan(of: range).count
    }

    /// Blocks that a thread takes at a time: some that kernels take together, and few rows so many that fetching the weights takes
    /// longer than agreeing on who does (32 KiB: about a microsecond).
    private func grain(forRows rows: Int) -> Int {
        let together = 4
        let block = bytes / blocks(of: outputs) * rows
        return max(1, 32_768 / (block * together)) * together
    }

    private func blockSpan(of range: Range<Int>) -> Range<Int> {
        range.lowerBound / Int(DX_LANES)..<blocks(of: range.upperBound)
    }

    private func product(
        _ x: Tensor, blocks range: Range<Int>, bias: Tensor?, adding residual: Tensor? = nil
    ) -> Tensor {
        precondition(x.columns == inputs, "rows of \(x.columns) numbers do not fit a matrix of \(inputs) inputs")
        let first = range.lowerBound * Int(DX_LANES)
        let count = min(range.upperBound * Int(DX_LANES), outputs) - first
        let y = Tensor(uninitialized: Shape(rows: x.rows, columns: count), on: x.device)
        let skipped = first * paddedInputs
        if format == .bf16, x.device.precision == .bf16 {
            MixedOperand(x, .rows).multiply(
                by: weights.address + skipped * 2, bias: bias.map { $0.pointer + first }, adding: residual, into: y)
            extendLifetime(self)
            extendLifetime(bias)
            return y
        }
        let quantized = format.group > 1 ? QuantizedRows(x, group: format.group) : nil
        let arguments = dx_product(
            rows: Int64(x.rows), inputs: Int64(paddedInputs), outputs: Int64(count), group: Int64(format.group),
            x: x.pointer, x_stride: Int64(x.rowStride), x_width: Int64(inputs),
            quantized: quantized?.values, tiled: quantized?.tiled ?? false, x_scales: quantized?.scales,
            x_sums: quantized?.sums,
            weights: weights.address + skipped * format.bits / 8,
            scales: scales.map { $0.floats + skipped / format.group },
            bias: bias.map { $0.pointer + first }, residual: residual?.pointer,
            residual_stride: Int64(residual?.rowStride ?? 0), y: y.mutablePointer, y_stride: Int64(y.rowStride))
        let kernels = x.device.kernels.pointee
        let task =
            switch format {
            case .f32: kernels.product_f32
            case .f16: kernels.product_f16
            case .bf16: kernels.product_bf16
            case .int8: kernels.product_int8
            case .int4: kernels.product_int4
            }
        x.device.run(task!, arguments, units: range.count, grain: grain(forRows: x.rows))
        extendLifetime(self)
        extendLifetime(x)
        extendLifetime(bias)
        extendLifetime(residual)
        extendLifetime(quantized)
        return y
    }
}

/// Rows of activations quantized to 8 bits, for products with integer weights.
struct QuantizedRows {
    private let storage: Storage
    private let scalesOffset: Int
    private let sumsOffset: Int
    /// Whether they lie as matrix instructions take them (see `dx_quantize` in CDynamax.h).
    let tiled: Bool

    init(_ x: Tensor, group: Int) {
        let (rows, columns, device) = (x.rows, x.columns, x.device)
        let inputs = (columns + group - 1) / group * group
        let tiledRows = Int(device.kernels.pointee.tiled_rows)
        tiled = tiledRows > 0 && rows >= tiledRows && dx_tile_inputs(Int64(group)) > 0
        let held = tiled ? Int(dx_tiled_rows(Int64(rows))) : rows
        let values = (held * inputs + 63) / 64 * 64
        let groups = (held * inputs / group * 4 + 63) / 64 * 64
        scalesOffset = values
        sumsOffset = values + groups
        storage = device.storage(bytes: values + 2 * groups)
        let arguments = dx_quantize(
            rows: Int64(rows), width: Int64(columns), inputs: Int64(inputs), group: Int64(group),
            x: x.pointer, x_stride: Int64(x.rowStride), tiled: tiled, quantized: values == 0 ? nil : mutableValues,
            scales: scales, sums: sums)
        device.run(device.kernels.pointee.quantize, arguments, units: rows, grain: 8)
        extendLifetime(x)
    }

    private var mutableValues: UnsafeMutablePointer<Int8> { storage.address.assumingMemoryBound(to: Int8.self) }
    var values: UnsafePointer<Int8> { UnsafePointer(mutableValues) }
    var scales: UnsafeMutablePointer<Float> {
        (storage.address + scalesOffset).assumingMemoryBound(to: Float.self)
    }
    var sums: UnsafeMutablePointer<Int32> { (storage.address + sumsOffset).assumingMemoryBound(to: Int32.self) }
}
