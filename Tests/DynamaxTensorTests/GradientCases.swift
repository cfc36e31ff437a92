import CDynamax

/// The sizes of a gradient kernel's problem, and the call that solves it.
protocol GradientCase: Sendable {
    /// Names and lengths of the inputs that are random numbers in a made-up problem.
    var inputLengths: [String: Int] { get }

    /// What the kernel writes, partial sums included.
    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]]
}

struct RMSNormCase: GradientCase {
    var rows = 3
    var width: Int, group: Int
    var gated = false, repeats = false

    var inputLengths: [String: Int] {
        ["x": rows * width, "dy": rows * width, "weight": repeats ? group : width]
            .merging(gated ? ["gate": rows * width] : [:]) { $1 }
    }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: width), dy = bench.rows("dy", width: width)
        let gate = gated ? bench.rows("gate", width: width) : nil
        let arguments = dx_rms_norm_gradient(
            rows: Int64(rows), width: Int64(width), group: Int64(group), x: x.read, gate: gate?.read,
            weight: bench.dense("weight"), x_stride: x.stride, gate_stride: gate?.stride ?? 0, weight_repeats: repeats,
            epsilon: 1e-5, dy: dy.read, dy_stride: dy.stride, dx: bench.denseResult("dx", rows * width),
            dgate: gated ? bench.denseResult("dgate", rows * width) : nil,
            scaled: bench.denseResult("scaled", rows * width))
        return bench.run(kernels.rms_norm, arguments, units: rows)
    }
}

struct SwiGLUCase: GradientCase {
    var rows = 3
    var width: Int

    var inputLengths: [String: Int] { ["gate": rows * width, "up": rows * width, "dy": rows * width] }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let gate = bench.rows("gate", width: width), up = bench.rows("up", width: width)
        let dy = bench.rows("dy", width: width)
        let dgate = bench.result("dgate", rows, width: width), dup = bench.result("dup", rows, width: width)
        let arguments = dx_swiglu_gradient(
            rows: Int64(rows), width: Int64(width), gate: gate.read, up: up.read, dy: dy.read, gate_stride: gate.stride,
            up_stride: up.stride, dy_stride: dy.stride, dgate: dgate.base, dup: dup.base, dgate_stride: dgate.stride,
            dup_stride: dup.stride)
        return bench.run(kernels.swiglu, arguments, units: rows)
    }
}

struct SoftmaxCase: GradientCase {
    var rows = 3
    var width: Int

    var inputLengths: [String: Int] { ["y": rows * width, "dy": rows * width] }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let y = bench.rows("y", width: width), dy = bench.rows("dy", width: width)
        let dx = bench.result("dx", rows, width: width)
        let arguments = dx_softmax_gradient(
            rows: Int64(rows), width: Int64(width), y: y.read, dy: dy.read, y_stride: y.stride, dy_stride: dy.stride,
            dx: dx.base, dx_stride: dx.stride)
        return bench.run(kernels.softmax, arguments, units: rows)
    }
}

struct CrossEntropyCase: GradientCase {
    var width: Int
    var targets: [Int32]
    var weighted = true, wantsGradient = true

    var inputLengths: [String: Int] {
        ["logits": targets.count * width].merging(weighted ? ["weights": targets.count] : [:]) { $1 }
    }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let logits = bench.rows("logits", width: width), rows = targets.count
        let dlogits = wantsGradient ? bench.result("dlogits", rows, width: width) : nil
        return targets.withUnsafeBufferPointer { targets in
            let arguments = dx_cross_entropy(
                rows: Int64(rows), width: Int64(width), logits: logits.read, stride: logits.stride,
                targets: targets.baseAddress, weights: bench.optional("weights"), losses: bench.denseResult("y", rows),
                dlogits: dlogits?.base, dlogits_stride: dlogits?.stride ?? 0)
            return bench.run(kernels.cross_entropy, arguments, units: rows)
        }
    }
}

struct KLDivergenceCase: GradientCase {
    var rows = 4
    var width: Int

    var inputLengths: [String: Int] { ["logits": rows * width, "teacher": rows * width, "weights": rows] }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let logits = bench.rows("logits", width: width), teacher = bench.rows("teacher", width: width)
        let dlogits = bench.result("dlogits", rows, width: width)
        let arguments = dx_kl_divergence(
            rows: Int64(rows), width: Int64(width), logits: logits.read, teacher: teacher.read, stride: logits.stride,
            teacher_stride: teacher.stride, weights: bench.optional("weights"), losses: bench.denseResult("y", rows),
            dlogits: dlogits.base, dlogits_stride: dlogits.stride)
        return bench.run(kernels.kl_divergence, arguments, units: rows)
    }
}
