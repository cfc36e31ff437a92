import CDynamax

extension ImageRows {
    /// The largest number of each channel in each place of the window, as torch.nn.MaxPool2d.
    ///
    /// Its gradient goes to the first of the largest.
    public func maxPooled(_ window: ImageWindow) -> ImageRows {
        pooled(window, by: .max)
    }

    /// The mean of each channel in each place of the window, as torch.nn.AvgPool2d: padding counts as zeros.
    public func averagePooled(_ window: ImageWindow) -> ImageRows {
        pooled(window, by: .mean)
    }

    /// The mean of each channel over each image, [images, channels].
    public func globallyAveragePooled() -> Tensor {
        averagePooled(ImageWindow(height: height, width: width)).rows
    }

    private func pooled(_ window: ImageWindow, by kind: Operation.Pool.Kind) -> ImageRows {
        precondition(2 * window.padding <= min(window.height, window.width), "no place may lie outside the image")
        let pool = Operation.Pool(kind: kind, x: rows, window: geometry(window))
        return moved(pool.result.recorded([rows]) { .pool(pool) }, pool.window)
    }
}

extension Operation {
    struct Pool {
        enum Kind { case max, mean }
        let kind: Kind
        /// [pixels, channels]
        let x: Tensor
        let window: dx_window
    }
}

extension Operation.Pool {
    /// [output pixels, channels]
    var result: Tensor {
        let y = Tensor(uninitialized: Shape(rows: window.outputRows, columns: x.columns), on: x.device)
        let arguments = dx_pool_window(
            window: window, x: x.pointer, x_stride: Int64(x.rowStride), y: y.mutablePointer)
        let task: dx_task = kind == .max ? dx_max_pool_task : dx_mean_pool_task
        x.device.run(task, arguments, units: window.outputRows, grain: 4)
        extendLifetime(x)
        extendLifetime(y)
        return y
    }

    func gradient(_ dy: Tensor) -> Tensor {
        let dx = Tensor(zeros: x.shape, on: x.device)
        let arguments = dx_pool_window_gradient(
            window: window, x: x.pointer, x_stride: Int64(x.rowStride), dy: dy.pointer,
            dy_stride: Int64(dy.rowStride), dx: dx.mutablePointer)
        let task: dx_task = kind == .max ? dx_max_pool_gradient_task : dx_mean_pool_gradient_task
        x.device.run(task, arguments, units: blocks(of: x.columns))
        extendLifetime(x)
        extendLifetime(dy)
        extendLifetime(dx)
        return dx
    }
}
