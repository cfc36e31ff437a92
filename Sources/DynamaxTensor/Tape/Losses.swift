import CDynamax

extension Tensor {
    /// The cross entropy of the softmax of each row with its target, added up: [1].
    ///
    /// - Parameters:
    ///   - targets: one for each row; a negative one leaves the row out.
    ///   - weights: [rows], or nil for 1 each. For a mean, one over the number of rows that count.
    public func crossEntropy(targets: [Token], weights: Tensor? = nil) -> Tensor {
        precondition(targets.count == rows)
        let losses = Tensor(uninitialized: [rows], on: device)
        let gradient = isTracked && device.isRecording ? Tensor(uninitialized: shape, on: device) : nil
        targets.withUnsafeBufferPointer { targets in
            let arguments = dx_cross_entropy(
                rows: Int64(rows), width: Int64(columns), logits: pointer, stride: Int64(rowStride),
                targets: targets.baseAddress, weights: weights?.pointer, losses: losses.mutablePointer,
                dlogits: gradient?.mutablePointer, dlogits_stride: Int64(gradient?.rowStride ?? 0))
            device.run(device.gradientKernels.pointee.cross_entropy, arguments, units: rows)
        }
        extendLifetime(self)
        extendLifetime(weights)
        extendLifetime(gradient)
        return loss(losses, gradient)
    }

    /// The divergence of the softmax of each row from that of the same row of `teacher`, KL(teacher || self), added up: [1].
    ///
    /// - Parameters:
    ///   - teacher: logits of this tensor's shape.
    ///   - weights: [rows], or nil for 1 each.
    public func klDivergence(from teacher: Tensor, weights: Tensor? = nil) -> Tensor {
        precondition(shape == teacher.shape)
        let losses = Tensor(uninitialized: [rows], on: device)
        let gradient = isTracked && device.isRecording ? Tensor(uninitialized: shape, on: device) : nil
        let arguments = dx_kl_divergence(
            rows: Int64(rows), width: Int64(columns), logits: pointer, teacher: teacher.pointer,
            stride: Int64(rowStride), teacher_stride: Int64(teacher.rowStride), weights: weights?.pointer,
            losses: losses.mutablePointer, dlogits: gradient?.mutablePointer,
            dlogits_stride: Int64(gradient?.rowStride ?? 0))
        device.run(device.gradientKernels.pointee.kl_divergence, arguments, units: rows)
        extendLifetime(self)
        extendLifetime(teacher)
        extendLifetime(weights)
        extendLifetime(gradient)
        return loss(losses, gradient)
    }

    /// The cross entropy of the sigmoid of each number with its target, added up: [1].
    ///
    /// - Parameters:
    ///   - targets: 0 or 1, or a chance between them; one for each row.
    ///   - weights: one for each row.
    public func binaryCrossEntropy(targets: [Float], weights: [Float]) -> Tensor {
        precondition(columns == 1 && targets.count == rows && weights.count == rows)
        let numbers = array
        var (losses, gradient) = ([Float](), [Float]())
        for ((x, target), weight) in zip(zip(numbers, targets), weights) {
            // log(1 + exp(-|x|)) and the sigmoid do not overflow in this form.
            let small = exponential(-abs(x))
            losses.append(weight * (max(x, 0) - x * target + logarithm(1 + small)))
            gradient.append(weight * ((x >= 0 ? 1 : small) / (1 + small) - target))
        }
        let isWanted = isTracked && device.isRecording
        return loss(Tensor(losses, [rows], on: device), isWanted ? Tensor(gradient, shape, on: device) : nil)
    }

    private func loss(_ losses: Tensor, _ gradient: Tensor?) -> Tensor {
        // Added up in Double, in the order of rows: the number that people read should not depend on the batch's size.
        let total = losses.array.reduce(0.0) { $0 + Double($1) }
        let sum = Tensor([Float(total)], [1], on: device)
        guard let gradient else { return sum }
        return sum.recorded([self]) { .rowLoss(self, gradient: gradient) }
    }
}
