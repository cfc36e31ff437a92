import CDynamax

// Operations that treat each row on its own. Formulas: CDynamax.h, section "Rows".

extension Tensor {
    /// Divides each row, or each group of its columns, by its root mean square and scales it.
    ///
    /// - Parameters:
    ///   - weight: [columns], or [group] to use the same scales in each group.
    ///   - epsilon: added to the mean square.
    ///   - group: columns that share a mean; all of them by default.
    ///   - gate: [rows, columns]; multiplies by silu(gate) before the norm (Mamba-2).
    /// - Returns: [rows, columns]
    public func rmsNorm(weight: Tensor, epsilon: Float, group: Int? = nil, gate: Tensor? = nil) -> Tensor {
        let group = group ?? columns
        precondition(columns % group == 0 && (weight.shape.count == columns || weight.shape.count == group))
        let y = Tensor(uninitialized: Shape(rows: rows, columns: columns), on: device)
        let arguments = dx_rms_norm(
            rows: Int64(rows), width: Int64(columns), group: Int64(group), x: pointer, x_stride: Int64(rowStride),
            gate: gate?.pointer, gate_stride: Int64(gate?.rowStride ?? 0), weight: weight.pointer,
            weight_repeats: weight.shape.count != columns, epsilon: epsilon, y: y.mutablePointer,
            y_stride: Int64(y.rowStride))
        device.run(device.kernels.pointee.rms_norm, arguments, units: rows, grain: 4)
        extendLifetime(self)
        extendLifetime(weight)
        extendLifetime(gate)
        return y.recorded([self, weight, gate]) {
            .rmsNorm(.init(x: self, weight: weight, gate: gate, epsilon: epsilon, group: group))
        }
    }

    /// Rotates the first columns of each head by the angles of its row (rotary position embedding).
    ///
    /// - Parameters:
    ///   - width: columns of one head.
    ///   - angles: of the same rows.
    /// - Returns: [rows, columns]
    public func rotated(headWidth width: Int, by angles: RotaryAngles) -> Tensor {
        precondition(columns % width == 0 && angles.cosines.rows == rows)
        let y = Tensor(uninitialized: Shape(rows: rows, columns: columns), on: device)
        let arguments = dx_rotary(
            rows: Int64(rows), heads: Int64(columns / width), width: Int64(width),
            rotated: Int64(2 * angles.cosines.columns), interleaved: angles.interleaved, x: pointer,
            x_stride: Int64(rowStride), cosines: angles.cosines.pointer, sines: angles.sines.pointer,
            y: y.mutablePointer, y_stride: Int64(y.rowStride))
        device.run(device.kernels.pointee.rotary, arguments, units: rows, grain: 8)
        extendLifetime(self)
        extendLifetime(angles)
        return y.recorded([self]) { .rotary(self, headWidth: width, angles) }
    }

    /// The gated activation silu(self) * up.
    ///
    /// - Parameter up: [rows, columns]
    public func swiglu(up: Tensor) -> Tensor {
        precondition(shape == up.shape)
        let y = Tensor(uninitialized: Shape(rows: rows, columns: columns), on: device)
        let arguments = dx_swiglu(
            rows: Int64(rows), width: Int64(columns), gate: pointer, up: up.pointer, gate_stride: Int64(rowStride),
            up_stride: Int64(up.rowStride), y: y.mutablePointer, y_stride: Int64(y.rowStride))
        device.run(device.kernels.pointee.swiglu, arguments, units: rows, grain: 4)
        extendLifetime(self)
        extendLifetime(up)
        return y.recorded([self, up]) { .swiglu(gate: self, up: up) }
    }

    /// The softmax of each row divided by a temperature above zero.
    public func softmax(temperature: Float = 1) -> Tensor {
        let y = Tensor(uninitialized: Shape(rows: rows, columns: columns), on: device)
        let arguments = dx_softmax(
            rows: Int64(rows), width: Int64(columns), x: pointer, x_stride: Int64(rowStride),
            temperature: temperature, y: y.mutablePointer, y_stride: Int64(y.rowStride))
        device.run(device.kernels.pointee.softmax, arguments, units: rows)
        extendLifetime(self)
        precondition(temperature == 1 || !isTracked || !device.isRecording, "gradients need a temperature of 1")
        return y.recorded([self]) { .softmax(self) }
    }

    /// What exit scores and greedy decoding need to know of each row of logits.
    public func summarizedLogits() -> [LogitSummary] {
        [dx_logit_summary](unsafeUninitializedCapacity: rows) { buffer, count in
            summarize(rows: 0..<rows, into: buffer.baseAddress!)
            count = rows
        }.map(LogitSummary.init)
    }

    /// The same of one row.
    public func summarizedLogits(ofRow row: Int) -> LogitSummary {
        precondition((0..<rows).contains(row))
        var summary = dx_logit_summary()
        summarize(rows: row..<row + 1, into: &summary)
        return LogitSummary(summary)
    }

    private func summarize(rows: Range<Int>, into summaries: UnsafeMutablePointer<dx_logit_summary>) {
        let arguments = dx_summarize(
            rows: Int64(rows.count), width: Int64(columns), logits: pointer + rows.lowerBound * rowStride,
            stride: Int64(rowStride), summaries: summaries)
        device.run(device.kernels.pointee.summarize, arguments, units: rows.count)
        extendLifetime(self)
    }

    /// The cosine between each row and the same row of `other`; 0 where one of them is zero.
    public func cosines(with other: Tensor) -> [Float] {
        precondition(shape == other.shape)
        return [Float](unsafeUninitializedCapacity: rows) { buffer, count in
            let arguments = dx_cosine(
                rows: Int64(rows), width: Int64(columns), a: pointer, b: other.pointer, a_stride: Int64(rowStride),
                b_stride: Int64(other.rowStride), y: buffer.baseAddress)
            device.run(device.kernels.pointee.cosine, arguments, units: rows)
            extendLifetime(self)
            extendLifetime(other)
            count = rows
        }
    }

    /// A matrix of some rows of this one, in the order given.
    public func gatheringRows(_ indices: [Int32]) -> Tensor {
        let y = Tensor(uninitialized: Shape(rows: indices.count, columns: columns), on: device)
        for (target, row) in indices.enumerated() {
            precondition((0..<rows).contains(Int(row)))
            (y.mutablePointer + target * y.rowStride).update(from: pointer + Int(row) * rowStride, count: columns)
        }
        extendLifetime(self)
        return y.recorded([self]) { .gatheredRows(self, indices) }
    }

    /// The rows of several matrices of the same width, one after the other.
    public static func stackingRows(_ parts: [Tensor]) -> Tensor {
        precondition(!parts.isEmpty && parts.allSatisfy { $0.columns == parts[0].columns })
        if parts.count == 1 { return parts[0] }
        let rows = parts.reduce(0) { $0 + $1.rows }
        let y = Tensor(uninitialized: Shape(rows: rows, columns: parts[0].columns), on: parts[0].device)
        var target = y.mutablePointer
        for part in parts {
            for row in 0..<part.rows {
                target.update(from: part.pointer + row * part.rowStride, count: part.columns)
                target += y.rowStride
            }
            extendLifetime(part)
        }
        guard y.device.isRecording, parts.contains(where: \.isTracked) else { return y }
        var stacked = y
        stacked.node = Node(.stackedRows(parts))
        return stacked
    }
}

/// The rotation of each row of a batch: one angle for each pair of rotated columns.
public struct RotaryAngles: Sendable {
    /// [rows, pairs]
    public let cosines: Tensor
    /// [rows, pairs]
    public let sines: Tensor
    /// Whether pairs are columns (2i, 2i + 1) rather than (i, i + pairs).
    public let interleaved: Bool

    /// The rotations back.
    var inverse: RotaryAngles {
        RotaryAngles(cosines: cosines, sines: sines.scaled(by: -1), interleaved: interleaved)
    }

    /// Takes cosines and sines of the same shape.
    public init(cosines: Tensor, sines: Tensor, interleaved: Bool) {
        precondition(cosines.shape == sines.shape)
        self.interleaved = interleaved
        self.cosines = cosines
        self.sines = sines
    }
}

/// The facts about one row of logits that decisions are made from.
public struct LogitSummary: Sendable {
    /// The index of the first of the largest logits; nil if any logit is NaN.
    public let argmax: Int32?
    /// The largest logit.
    public let maximum: Float
    /// The second largest logit.
    public let second: Float
    /// log(sum(exp(logits)))
    public let logSumExp: Float
    /// The entropy of the softmax, in nats.
    public let entropy: Float

    init(_ summary: dx_logit_summary) {
        argmax = summary.argmax < 0 ? nil : summary.argmax
        maximum = summary.maximum
        second = summary.second
        logSumExp = summary.log_sum_exp
        entropy = summary.entropy
    }
}
