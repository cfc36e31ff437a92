import CDynamax

struct RMSNormProblem: KernelProblem {
    var rows = 3
    var width: Int, group: Int
    var gated = false, repeats = false, weighted = true

    var inputLengths: [String: Int] {
        var lengths = ["x": rows * width]
        if gated { lengths["gate"] = rows * width }
        if weighted { lengths["weight"] = repeats ? group : width }
        return lengths
    }

    func scale(of input: String) -> Float { input == "gate" ? 30 : 3 }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: width), gate = gated ? bench.rows("gate", width: width) : nil
        let y = bench.result("y", rows, width: width)
        let arguments = dx_rms_norm(
            rows: Int64(rows), width: Int64(width), group: Int64(group), x: x.read, x_stride: x.stride,
            gate: gate?.read,
            gate_stride: gate?.stride ?? 0, weight: bench.optional("weight"), weight_repeats: repeats, epsilon: 1e-5,
            y: y.base, y_stride: y.stride)
        return bench.run(kernels.rms_norm, arguments, units: rows)
    }
}

struct RotaryProblem: KernelProblem {
    var rows = 3
    var heads: Int, width: Int, rotated: Int
    var interleaved = false

    var inputLengths: [String: Int] {
        ["x": rows * heads * width, "cosines": rows * rotated / 2, "sines": rows * rotated / 2]
    }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: heads * width), y = bench.result("y", rows, width: heads * width)
        let arguments = dx_rotary(
            rows: Int64(rows), heads: Int64(heads), width: Int64(width), rotated: Int64(rotated),
            interleaved: interleaved, x: x.read, x_stride: x.stride, cosines: bench.dense("cosines"),
            sines: bench.dense("sines"), y: y.base, y_stride: y.stride)
        return bench.run(kernels.rotary, arguments, units: rows)
    }
}

struct SwiGLUProblem: KernelProblem {
    var rows = 3
    var width: Int

    var inputLengths: [String: Int] { ["gate": rows * width, "up": rows * width] }

    func scale(of input: String) -> Float { input == "gate" ? 100 : 2 }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let gate = bench.rows("gate", width: width), up = bench.rows("up", width: width)
        let y = bench.result("y", rows, width: width)
        let arguments = dx_swiglu(
            rows: Int64(rows), width: Int64(width), gate: gate.read, up: up.read, gate_stride: gate.stride,
            up_stride: up.stride, y: y.base, y_stride: y.stride)
        return bench.run(kernels.swiglu, arguments, units: rows)
    }
}

struct SoftmaxProblem: KernelProblem {
    var rows = 3
    var width: Int
    var temperature: Float = 1

    var inputLengths: [String: Int] { ["x": rows * width] }

    func scale(of input: String) -> Float { 60 }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: width), y = bench.result("y", rows, width: width)
        let arguments = dx_softmax(
            rows: Int64(rows), width: Int64(width), x: x.read, x_stride: x.stride, temperature: temperature, y: y.base,
            y_stride: y.stride)
        return bench.run(kernels.softmax, arguments, units: rows)
    }
}

/// Summaries come out as rows of argmax, maximum, second, log-sum-exp and entropy.
struct SummarizeProblem: KernelProblem {
    var rows = 3
    var width: Int

    var inputLengths: [String: Int] { ["x": rows * width] }

    func scale(of input: String) -> Float { 20 }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: width)
        var summaries = [dx_logit_summary](repeating: dx_logit_summary(), count: rows)
        summaries.withUnsafeMutableBufferPointer { summaries in
            let arguments = dx_summarize(
                rows: Int64(rows), width: Int64(width), logits: x.read, stride: x.stride,
                summaries: summaries.baseAddress)
            _ = bench.run(kernels.summarize, arguments, units: rows)
        }
        return [
            "y": summaries.flatMap { [Float($0.argmax), $0.maximum, $0.second, $0.log_sum_exp, $0.entropy] }
        ]
    }
}

struct CosineProblem: KernelProblem {
    var rows = 3
    var width: Int

    var inputLengths: [String: Int] { ["a": rows * width, "b": rows * width] }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let a = bench.rows("a", width: width), b = bench.rows("b", width: width)
        let arguments = dx_cosine(
            rows: Int64(rows), width: Int64(width), a: a.read, b: b.read, a_stride: a.stride, b_stride: b.stride,
            y: bench.denseResult("y", rows))
        return bench.run(kernels.cosine, arguments, units: rows)
    }
}

/// Rows quantized and multiplied back: values, scales and sums come out as numbers.
struct QuantizeProblem: KernelProblem {
    var rows = 3
    var width: Int, group: Int

    var padded: Int { (width + group - 1) / group * group }
    var inputLengths: [String: Int] { ["x": rows * width] }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: width)
        var values = [Int8](repeating: -128, count: rows * padded)
        var sums = [Int32](repeating: .min, count: rows * padded / group)
        let scales = bench.denseResult("scales", sums.count)
        var results: [String: [Float]] = [:]
        values.withUnsafeMutableBufferPointer { values in
            sums.withUnsafeMutableBufferPointer { sums in
                let arguments = dx_quantize(
                    rows: Int64(rows), width: Int64(width), inputs: Int64(padded), group: Int64(group), x: x.read,
                    x_stride: x.stride, tiled: false, quantized: values.baseAddress, scales: scales,
                    sums: sums.baseAddress)
                results = bench.run(kernels.quantize, arguments, units: rows)
            }
        }
        results["values"] = values.map(Float.init)
        results["sums"] = sums.map(Float.init)
        return results
    }
}
