import CDynamax

struct AttentionCase: GradientCase {
    var lengths = [5, 1, 39]
    var heads: Int, kvHeads: Int, width: Int
    var window = 0
    var scale: Float = 0.22

    var rows: Int { lengths.reduce(0, +) }

    var inputLengths: [String: Int] {
        let wide = rows * heads * width, narrow = rows * kvHeads * width
        return ["queries": wide, "keys": narrow, "values": narrow, "y": wide, "dy": wide]
    }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let wide = heads * width, narrow = kvHeads * width
        let queries = bench.rows("queries", width: wide), keys = bench.rows("keys", width: narrow)
        let values = bench.rows("values", width: narrow), y = bench.rows("y", width: wide)
        let dy = bench.rows("dy", width: wide), dqueries = bench.result("dqueries", rows, width: wide)
        let dkeys = bench.result("dkeys", rows, width: narrow), dvalues = bench.result("dvalues", rows, width: narrow)
        return sequences(lengths).withUnsafeBufferPointer { sequences in
            let arguments = dx_attention_gradient(
                sequences: sequences.baseAddress, count: Int64(lengths.count), heads: Int64(heads),
                kv_heads: Int64(kvHeads), width: Int64(width), window: Int64(window), scale: scale,
                queries: queries.read, keys: keys.read, values: values.read, y: y.read, dy: dy.read,
                query_stride: queries.stride, key_stride: keys.stride, value_stride: values.stride, y_stride: y.stride,
                dy_stride: dy.stride, dqueries: dqueries.base, dkeys: dkeys.base, dvalues: dvalues.base,
                dquery_stride: dqueries.stride, dkey_stride: dkeys.stride, dvalue_stride: dvalues.stride)
            return bench.run(kernels.attention, arguments, units: lengths.count * kvHeads)
        }
    }
}

struct ConvolveCase: GradientCase {
    var lengths = [5, 1, 39]
    var channels: Int, taps: Int
    var hasBias = true

    var rows: Int { lengths.reduce(0, +) }

    var inputLengths: [String: Int] {
        ["x": rows * channels, "dy": rows * channels, "weights": taps * channels]
            .merging(hasBias ? ["bias": channels] : [:]) { $1 }
    }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: channels), dy = bench.rows("dy", width: channels)
        let dx = bench.result("dx", rows, width: channels)
        return sequences(lengths).withUnsafeBufferPointer { sequences in
            let arguments = dx_convolve_gradient(
                sequences: sequences.baseAddress, count: Int64(lengths.count), channels: Int64(channels),
                taps: Int64(taps), x: x.read, x_stride: x.stride, weights: bench.dense("weights"),
                bias: bench.optional("bias"), dy: dy.read, dy_stride: dy.stride, dx: dx.base, dx_stride: dx.stride,
                dweights: bench.denseResult("dweights", taps * channels),
                dbias: hasBias ? bench.denseResult("dbias", channels) : nil)
            return bench.run(kernels.convolve, arguments, units: blocks(channels))
        }
    }
}

struct ScanCase: GradientCase {
    var lengths = [5, 1, 39]
    var channels: Int, states: Int
    var full = true  // with z, D and a bias of the time step

    var rows: Int { lengths.reduce(0, +) }

    var inputLengths: [String: Int] {
        let wide = rows * channels
        return ["x": wide, "dt": wide, "b": rows * states, "c": rows * states, "a": channels * states, "dy": wide]
            .merging(full ? ["z": wide, "d": channels, "dt_bias": channels] : [:]) { $1 }
    }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: channels), dt = bench.rows("dt", width: channels)
        let b = bench.rows("b", width: states), c = bench.rows("c", width: states)
        let z = full ? bench.rows("z", width: channels) : nil, dy = bench.rows("dy", width: channels)
        var a = [Float](repeating: 0, count: blocks(channels) * states * 16)
        for channel in 0..<channels {
            for state in 0..<states {
                a[(channel / 16 * states + state) * 16 + channel % 16] = -abs(
                    bench.inputs["a"]![channel * states + state])
            }
        }
        let wide = rows * channels, partial = rows * blocks(channels) * states
        return sequences(lengths).withUnsafeBufferPointer { sequences in
            let arguments = dx_scan_gradient(
                sequences: sequences.baseAddress, count: Int64(lengths.count), channels: Int64(channels),
                states: Int64(states), x: x.read, dt: dt.read, b: b.read, c: c.read, z: z?.read, x_stride: x.stride,
                dt_stride: dt.stride, b_stride: b.stride, c_stride: c.stride, z_stride: z?.stride ?? 0,
                a: bench.dense(a), d: bench.optional("d"), dt_bias: bench.optional("dt_bias"), dy: dy.read,
                dy_stride: dy.stride, dx: bench.denseResult("dx", wide), ddt: bench.denseResult("ddt", wide),
                dz: full ? bench.denseResult("dz", wide) : nil, db: bench.denseResult("db", partial),
                dc: bench.denseResult("dc", partial), da: bench.denseResult("da", lengths.count * a.count),
                dd: full ? bench.denseResult("dd", lengths.count * channels) : nil)
            return bench.run(kernels.scan, arguments, units: lengths.count * blocks(channels))
        }
    }

    /// Adds up what the kernel leaves to its caller, so that every gradient has the shape of its input.
    func gathered(_ raw: [String: [Float]]) -> [String: [Float]] {
        var result = raw
        let parts = blocks(channels)
        for name in ["db", "dc"] {
            result[name] = summed(raw[name]!, outer: rows, over: parts, inner: states)
        }
        let slopes = summed(raw["da"]!, outer: 1, over: lengths.count, inner: parts * states * 16)
        result["da"] = (0..<channels * states).map { index in
            let channel = index / states, state = index % states
            return slopes[(channel / 16 * states + state) * 16 + channel % 16]
        }
        if full {
            result["dd"] = summed(raw["dd"]!, outer: 1, over: lengths.count, inner: channels)
            result["ddt_bias"] = summed(raw["ddt"]!, outer: 1, over: rows, inner: channels)
        }
        return result
    }
}

struct SSDCase: GradientCase {
    var lengths = [5, 1, 39]
    var heads: Int, groups: Int, width: Int, states: Int
    var low: Float = 0, high: Float = .infinity
    var full = true  // with D and a bias of the time step

    var rows: Int { lengths.reduce(0, +) }

    var inputLengths: [String: Int] {
        let wide = rows * heads * width, narrow = rows * groups * states
        return ["x": wide, "dt": rows * heads, "b": narrow, "c": narrow, "a": heads, "dy": wide]
            .merging(full ? ["d": heads, "dt_bias": heads] : [:]) { $1 }
    }

    func run(_ kernels: dx_gradient_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: heads * width), dt = bench.rows("dt", width: heads)
        let b = bench.rows("b", width: groups * states), c = bench.rows("c", width: groups * states)
        let dy = bench.rows("dy", width: heads * width)
        let a = bench.inputs["a"]!.map { -abs($0) }, partial = rows * heads * states
        return sequences(lengths).withUnsafeBufferPointer { sequences in
            let arguments = dx_ssd_gradient(
                sequences: sequences.baseAddress, count: Int64(lengths.count), heads: Int64(heads),
                groups: Int64(groups), width: Int64(width), states: Int64(states), x: x.read, dt: dt.read, b: b.read,
                c: c.read, x_stride: x.stride, dt_stride: dt.stride, b_stride: b.stride, c_stride: c.stride,
                a: bench.dense(a), d: bench.optional("d"), dt_bias: bench.optional("dt_bias"), low: low, high: high,
                dy: dy.read, dy_stride: dy.stride, dx: bench.denseResult("dx", rows * heads * width),
                ddt: bench.denseResult("ddt", rows * heads), db: bench.denseResult("db", partial),
                dc: bench.denseResult("dc", partial), da: bench.denseResult("da", lengths.count * heads),
                dd: full ? bench.denseResult("dd", lengths.count * heads) : nil)
            return bench.run(kernels.ssd, arguments, units: lengths.count * heads)
        }
    }

    /// Adds up what the kernel leaves to its caller, so that every gradient has the shape of its input.
    func gathered(_ raw: [String: [Float]]) -> [String: [Float]] {
        var result = raw
        for name in ["db", "dc"] {
            result[name] = summed(raw[name]!, outer: rows * groups, over: heads / groups, inner: states)
        }
        result["da"] = summed(raw["da"]!, outer: 1, over: lengths.count, inner: heads)
        if full {
            result["dd"] = summed(raw["dd"]!, outer: 1, over: lengths.count, inner: heads)
            result["ddt_bias"] = summed(raw["ddt"]!, outer: 1, over: rows, inner: heads)
        }
        return result
    }
}

/// Sums of an array [outer, over, inner] over its middle dimension.
func summed(_ values: [Float], outer: Int, over: Int, inner: Int) -> [Float] {
    (0..<outer * inner).map { index in
        (0..<over).reduce(0) { $0 + values[(index / inner * over + $1) * inner + index % inner] }
    }
}
