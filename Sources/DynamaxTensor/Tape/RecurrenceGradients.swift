import CDynamax

// Gradients of the convolution and the recurrences. What several units of a kernel give to one number is added up here, in
// the order of the units.

extension Operation.ConvolutionOperands {
    func gradients(_ dy: Tensor) -> (x: Tensor, weights: Tensor, bias: Tensor?) {
        let device = x.device
        let dx = Tensor(uninitialized: x.shape, on: device)
        let dweights = Tensor(uninitialized: weights.shape, on: device)
        let dbias = bias.map { Tensor(uninitialized: $0.shape, on: device) }
        withFreshSequences(sequences) { sequences in
            let arguments = dx_convolve_gradient(
                sequences: sequences.baseAddress, count: Int64(sequences.count), channels: Int64(x.columns),
                taps: Int64(weights.rows), x: x.pointer, x_stride: Int64(x.rowStride), weights: weights.pointer,
                bias: bias?.pointer, dy: dy.pointer, dy_stride: Int64(dy.rowStride), dx: dx.mutablePointer,
                dx_stride: Int64(dx.rowStride), dweights: dweights.mutablePointer, dbias: dbias?.mutablePointer)
            device.run(device.gradientKernels.pointee.convolve, arguments, units: blocks(of: x.columns))
        }
        extendLifetime(self)
        extendLifetime(dy)
        return (dx, dweights, dbias)
    }
}

extension Operation.ScanOperands {
    typealias Gradients = (x: Tensor, timeStep: Tensor, b: Tensor, c: Tensor, gate: Tensor, a: Tensor, d: Tensor)

    func gradients(_ dy: Tensor) -> Gradients {
        let device = x.device
        let (rows, channels, states) = (x.rows, x.columns, b.columns)
        let (parts, lanes) = (blocks(of: channels), Int(DX_LANES))
        func make(_ shape: Shape) -> Tensor { Tensor(uninitialized: shape, on: device) }
        let (dx, ddt, dz) = (make(x.shape), make(x.shape), make(x.shape))
        let (db, dc) = (make([rows, parts, states]), make([rows, parts, states]))
        let da = make([sequences.count, parts, states, lanes])
        let dd = make([sequences.count, channels])
        withFreshSequences(sequences) { sequences in
            let arguments = dx_scan_gradient(
                sequences: sequences.baseAddress, count: Int64(sequences.count), channels: Int64(channels),
                states: Int64(states), x: x.pointer, dt: timeStep.pointer, b: b.pointer, c: c.pointer,
                z: gate.pointer, x_stride: Int64(x.rowStride), dt_stride: Int64(timeStep.rowStride),
                b_stride: Int64(b.rowStride), c_stride: Int64(c.rowStride), z_stride: Int64(gate.rowStride),
                a: packed.pointer, d: d.pointer, dt_bias: timeStepBias.pointer, dy: dy.pointer,
                dy_stride: Int64(dy.rowStride), dx: dx.mutablePointer, ddt: ddt.mutablePointer,
                dz: dz.mutablePointer, db: db.mutablePointer, dc: dc.mutablePointer, da: da.mutablePointer,
                dd: dd.mutablePointer)
            device.run(device.gradientKernels.pointee.scan, arguments, units: sequences.count * parts)
        }
        extendLifetime(self)
        extendLifetime(dy)
        return (
            dx, ddt, db.sumOfMiddleAxis(), dc.sumOfMiddleAxis(), dz,
            unpacked(da.reshaped(Shape(rows: sequences.count, columns: parts * states * lanes)).columnSums()),
            dd.columnSums()
        )
    }

    /// From the kernel's layout, [channel blocks, states, 16], to [channels, states].
    private func unpacked(_ packed: Tensor) -> Tensor {
        let (numbers, states, lanes) = (packed.array, a.columns, Int(DX_LANES))
        return Tensor(
            (0..<a.shape.count).map { index in
                let (channel, state) = (index / states, index % states)
                return numbers[(channel / lanes * states + state) * lanes + channel % lanes]
            }, a.shape, on: packed.device)
    }
}

extension Operation.SSDOperands {
    typealias Gradients = (x: Tensor, timeStep: Tensor, b: Tensor, c: Tensor, a: Tensor, d: Tensor)

    func gradients(_ dy: Tensor) -> Gradients {
        let device = x.device
        let (rows, heads, states) = (x.rows, parameters.heads, parameters.states)
        func make(_ shape: Shape) -> Tensor { Tensor(uninitialized: shape, on: device) }
        let (dx, ddt) = (make(x.shape), make([rows, heads]))
        let (db, dc) = (make([rows, heads, states]), make([rows, heads, states]))
        let (da, dd) = (make([sequences.count, heads]), make([sequences.count, heads]))
        withFreshSequences(sequences) { sequences in
            let arguments = dx_ssd_gradient(
                sequences: sequences.baseAddress, count: Int64(sequences.count), heads: Int64(heads),
                groups: Int64(parameters.groups), width: Int64(parameters.headWidth), states: Int64(states),
                x: x.pointer, dt: timeStep.pointer, b: b.pointer, c: c.pointer, x_stride: Int64(x.rowStride),
                dt_stride: Int64(timeStep.rowStride), b_stride: Int64(b.rowStride), c_stride: Int64(c.rowStride),
                a: parameters.a.pointer, d: parameters.d.pointer, dt_bias: parameters.timeStepBias.pointer,
                low: parameters.timeStepLimit.lowerBound, high: parameters.timeStepLimit.upperBound, dy: dy.pointer,
                dy_stride: Int64(dy.rowStride), dx: dx.mutablePointer, ddt: ddt.mutablePointer,
                db: db.mutablePointer, dc: dc.mutablePointer, da: da.mutablePointer, dd: dd.mutablePointer)
            device.run(device.gradientKernels.pointee.ssd, arguments, units: sequences.count * heads)
        }
        extendLifetime(self)
        extendLifetime(dy)
        // Heads of a group share B and C.
        let grouped: Shape = [rows * parameters.groups, heads / parameters.groups, states]
        func perGroup(_ gradient: Tensor) -> Tensor {
            gradient.reshaped(grouped).sumOfMiddleAxis()
                .reshaped(Shape(rows: rows, columns: parameters.groups * states))
        }
        return (dx, ddt, perGroup(db), perGroup(dc), da.columnSums(), dd.columnSums())
    }
}

extension Tensor {
    /// [outer, middle, inner] -> [outer, inner]: the sum over the middle axis, in its order.
    func sumOfMiddleAxis() -> Tensor {
        let (outer, middle, inner) = (shape[0], shape[1], shape[2])
        var sum = Tensor(uninitialized: Shape(rows: outer, columns: inner), on: device)
        for part in 0..<middle {
            let slice = reshaped(Shape(rows: outer, columns: middle * inner)).columns(part * inner..<(part + 1) * inner)
            if part == 0 { sum = slice.copy } else { sum.addInPlace(slice) }
        }
        return sum
    }
}
