import CDynamax

extension ImageRows {
    /// A two-dimensional convolution, or cross-correlation, as torch.nn.Conv2d computes it.
    ///
    /// Patches are laid out in rows, some at a time, for the products that serve all layers (im2col, Chellapilla et al. 2006);
    /// for gradients they are laid out again.
    ///
    /// - Parameters:
    ///   - weights: [outputs, channels / groups, height, width]
    ///   - bias: [outputs]
    ///   - stride: pixels from one place of the window to the next.
    ///   - padding: zeros around each image.
    ///   - dilation: pixels from one tap to the next.
    ///   - groups: equal parts of the channels and outputs that go together.
    /// - Returns: images with a channel for each output, and a pixel for each place of the window.
    public func convolved(
        with weights: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
        groups: Int = 1
    ) -> ImageRows {
        precondition(weights.shape.rank == 4 && groups > 0 && weights.shape[0] % groups == 0)
        precondition(
            weights.shape[1] * groups == channels, "\(channels) channels do not fit weights of \(weights.shape)")
        let window = ImageWindow(
            height: weights.shape[2], width: weights.shape[3], stride: stride, padding: padding, dilation: dilation)
        let operands = Operation.ImageConvolutionOperands(
            x: rows, weights: weights, bias: bias, window: geometry(window), groups: groups,
            precision: rows.device.precision)
        return moved(
            operands.result.recorded([rows, weights, bias]) { .imageConvolution(operands) }, operands.window)
    }
}

extension Operation {
    struct ImageConvolutionOperands {
        /// [pixels, channels]
        let x: Tensor
        /// [outputs, channels / groups, height, width]
        let weights: Tensor
        let bias: Tensor?
        let window: dx_window
        let groups: Int
        let precision: Precision
    }
}

extension Operation.ImageConvolutionOperands {
    private var outputs: Int { weights.shape[0] }
    /// Numbers of a patch in one group.
    private var patch: Int { weights.shape.count / max(outputs, 1) }

    private var isPixel: Bool {
        window.taps == 1 && window.stride == 1 && window.padding == 0
    }

    /// Output pixels, some at a time: so many that their patches, of about 4 MiB, stay near the processor.
    ///
    /// It depends on shapes alone, and so does the order in which the weights' gradient adds up.
    private var chunks: [Range<Int>] {
        let step = max(256, (1 << 20) / max(1, patch * groups))
        return Swift.stride(from: 0, to: window.outputRows, by: step).map {
            $0..<min($0 + step, window.outputRows)
        }
    }

    /// [outputs, height, width, channels / groups] in rows, as patches lie.
    private var matrix: Tensor {
        weights.detached.contiguous.exchanged(outputs, weights.shape[1], window.taps)
            .reshaped(Shape(rows: outputs, columns: patch))
    }

    private func columns(_ group: Int) -> Range<Int> { group * patch..<(group + 1) * patch }

    private func outputs(_ group: Int) -> Range<Int> {
        group * outputs / groups..<(group + 1) * outputs / groups
    }

    /// What some output pixels see, [rows, groups * patch].
    private func patches(_ range: Range<Int>) -> Tensor {
        if isPixel { return x.detached.rows(range) }
        let y = Tensor(uninitialized: Shape(rows: range.count, columns: groups * patch), on: x.device)
        let arguments = dx_patches(
            window: window, groups: Int64(groups), first: Int64(range.lowerBound), x: x.pointer,
            x_stride: Int64(x.rowStride), y: y.mutablePointer)
        x.device.run(dx_patches_task, arguments, units: range.count, grain: 16)
        extendLifetime(x)
        extendLifetime(y)
        return y
    }

    /// [output pixels, outputs]
    var result: Tensor {
        let matrix = matrix
        let y = Tensor(uninitialized: Shape(rows: window.outputRows, columns: outputs), on: x.device)
        for range in chunks {
            let patches = patches(range)
            for group in 0..<groups {
                let some = outputs(group)
                patches.columns(columns(group))
                    .product(with: matrix.rows(some), bias: bias.map { $0.detached.part(some) })
                    .write(to: y.rows(range).columns(some))
            }
        }
        return y
    }

    /// With respect to those operands that are tracked.
    func gradients(_ dy: Tensor) -> (x: Tensor?, weights: Tensor?) {
        let device = x.device
        let matrix = matrix
        let dx = x.isTracked ? Tensor(zeros: x.shape, on: device) : nil
        let dmatrix = weights.isTracked ? Tensor(zeros: matrix.shape, on: device) : nil
        for range in chunks {
            let patches = dmatrix == nil ? nil : patches(range)
            let dpatches = dx.map { _ in
                Tensor(uninitialized: Shape(rows: range.count, columns: groups * patch), on: device)
            }
            for group in 0..<groups {
                let some = outputs(group)
                let slope = dy.rows(range).columns(some)
                if let dmatrix, let patches {
                    dmatrix.rows(some).addInPlace(slope.outerProduct(patches.columns(columns(group)), precision))
                }
                if let dpatches {
                    slope.product(withTransposed: matrix.rows(some), precision).write(
                        to: dpatches.columns(columns(group)))
                }
            }
            if let dx, let dpatches { fold(dpatches, range, into: dx) }
        }
        return (
            dx,
            dmatrix.map { $0.exchanged(outputs, window.taps, weights.shape[1]).reshaped(weights.shape) }
        )
    }

    private func fold(_ patches: Tensor, _ range: Range<Int>, into x: Tensor) {
        let arguments = dx_fold(
            window: window, groups: Int64(groups), first: Int64(range.lowerBound), rows: Int64(range.count),
            patches: patches.pointer, patch_stride: Int64(patches.rowStride), x: x.mutablePointer)
        x.device.run(dx_fold_task, arguments, units: blocks(of: Int(window.channels)))
        extendLifetime(patches)
        extendLifetime(x)
    }
}

extension Tensor {
    /// [outer, middle, inner] as [outer, inner, middle].
    fileprivate func exchanged(_ outer: Int, _ middle: Int, _ inner: Int) -> Tensor {
        if middle == 1 || inner == 1 { return self }
        let y = Tensor(uninitialized: [outer, inner, middle], on: device)
        for part in 0..<outer {
            let source = pointer + part * middle * inner
            let target = y.mutablePointer + part * middle * inner
            for i in 0..<inner { for m in 0..<middle { target[i * middle + m] = source[m * inner + i] } }
        }
        extendLifetime(self)
        extendLifetime(y)
        return y
    }

    /// Some numbers of a vector.
    fileprivate func part(_ range: Range<Int>) -> Tensor {
        if range.count == shape.count { return self }
        return Tensor(Array(array[range]), [range.count], on: device)
    }
}
