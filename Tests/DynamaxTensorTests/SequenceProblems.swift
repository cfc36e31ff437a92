import CDynamax

/// How the rows of sequences are cut into calls.
struct Schedule: Sendable {
    /// Positions that each sequence advances in a call, in turn.
    var chunks: [Int]
    /// Whether each sequence has calls of its own.
    var separate = false
    /// Whether windows and states move to another place in each call.
    var moves = false

    static let whole = Schedule(chunks: [.max])

    /// The calls for sequences of these lengths, whose rows follow each other: the places of `dx_sequence` in each of them.
    func calls(_ lengths: [Int]) -> [[(sequence: Int, row: Int, rows: Int, position: Int)]] {
        let starts = lengths.reduce(into: [0]) { $0.append($0.last! + $1) }
        var positions = lengths.map { _ in 0 }, calls: [[(sequence: Int, row: Int, rows: Int, position: Int)]] = []
        var step = 0
        while positions != lengths {
            var call: [(sequence: Int, row: Int, rows: Int, position: Int)] = []
            for index in lengths.indices {
                let rows = min(chunks[(step + index) % chunks.count], lengths[index] - positions[index])
                call.append((index, starts[index] + positions[index], rows, positions[index]))
                positions[index] += rows
            }
            calls += separate ? call.filter { $0.rows > 0 }.map { [$0] } : [call]
            step += 1
        }
        return calls
    }
}

struct AttentionProblem: KernelProblem {
    var lengths = [5, 1, 39]
    var heads: Int, kvHeads: Int, width: Int
    var window = 0
    var scale: Float = 0.25
    var format = DX_F32
    var schedule = Schedule.whole

    private var rows: Int { lengths.reduce(0, +) }

    var inputLengths: [String: Int] {
        ["q": rows * heads * width, "k": rows * kvHeads * width, "v": rows * kvHeads * width]
    }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let q = bench.rows("q", width: heads * width), k = bench.rows("k", width: kvHeads * width)
        let v = bench.rows("v", width: kvHeads * width), y = bench.result("y", rows, width: heads * width)
        let blockSize = Int(DX_BLOCK), rowTile = Int(DX_ROW_TILE)
        let blockFloats = kvHeads * Int(dx_kv_head_bytes(format, Int64(width))) / 4
        let tables = lengths.map { length in
            let table = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: length / blockSize + 1)
            for block in 0...length / blockSize {
                table[block] = UnsafeMutableRawPointer(
                    mutating: bench.dense([Float](repeating: .nan, count: blockFloats)))
            }
            return table
        }
        defer { for table in tables { table.deallocate() } }
        for call in schedule.calls(lengths) {
            var tiles = 0
            let sequences = call.map { part in
                defer { tiles += (part.rows + rowTile - 1) / rowTile }
                return dx_sequence(
                    row: Int64(part.row), rows: Int64(part.rows), position: Int64(part.position), tile: Int64(tiles),
                    blocks: tables[part.sequence], window: nil, state: nil, old_window: nil, old_state: nil)
            }
            sequences.withUnsafeBufferPointer { sequences in
                let write = dx_kv_write(
                    sequences: sequences.baseAddress, count: Int64(sequences.count), format: format,
                    kv_heads: Int64(kvHeads), width: Int64(width), keys: k.read, values: v.read, key_stride: k.stride,
                    value_stride: v.stride)
                runUnits(kernels.kv_write, write, units: kvHeads, order: bench.order)
                let arguments = dx_attention(
                    sequences: sequences.baseAddress, count: Int64(sequences.count), tiles: Int64(tiles),
                    format: format, heads: Int64(heads), kv_heads: Int64(kvHeads), width: Int64(width),
                    window: Int64(window),
                    scale: scale, queries: q.read, query_stride: q.stride, y: y.base, y_stride: y.stride)
                runUnits(kernels.attention, arguments, units: kvHeads * tiles, order: bench.order)
            }
        }
        return ["y": y.values]
    }
}

/// The recurrences keep a window or a state for each sequence, and are cut into calls alike.
protocol RecurrenceProblem: KernelProblem {
    var lengths: [Int] { get }
    var schedule: Schedule { get }
}

extension RecurrenceProblem {
    var rows: Int { lengths.reduce(0, +) }

    /// Makes the calls of the schedule; `memory` is the window or state of all sequences.
    func advance(
        memory: UnsafeMutablePointer<Float>, each count: Int,
        as field: WritableKeyPath<dx_sequence, UnsafeMutablePointer<Float>?>,
        from old: WritableKeyPath<dx_sequence, UnsafePointer<Float>?>,
        call: (UnsafeBufferPointer<dx_sequence>) -> Void
    ) {
        let earlier = UnsafeMutablePointer<Float>.allocate(capacity: lengths.count * count)
        defer { earlier.deallocate() }
        for parts in schedule.calls(lengths) {
            let sequences = parts.map { part in
                var sequence = dx_sequence()
                sequence.row = Int64(part.row)
                sequence.rows = Int64(part.rows)
                sequence.position = Int64(part.position)
                let place = memory + part.sequence * count
                sequence[keyPath: field] = place
                if schedule.moves, part.rows > 0 {
                    (earlier + part.sequence * count).update(from: place, count: count)
                    place.update(repeating: .nan, count: count)
                    sequence[keyPath: old] = UnsafePointer(earlier + part.sequence * count)
                }
                return sequence
            }
            sequences.withUnsafeBufferPointer(call)
        }
    }
}

struct ConvolveProblem: RecurrenceProblem {
    var lengths = [5, 1, 39]
    var channels: Int, taps: Int
    var biased = true, silu = true
    var schedule = Schedule.whole

    var inputLengths: [String: Int] {
        ["x": rows * channels, "weight": taps * channels, "window": lengths.count * (taps - 1) * channels]
            .merging(biased ? ["bias": channels] : [:]) { $1 }
    }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: channels), y = bench.result("y", rows, width: channels)
        let weights = bench.dense("weight"), bias = bench.optional("bias"), window = bench.state("window")
        advance(memory: window, each: (taps - 1) * channels, as: \.window, from: \.old_window) { sequences in
            let arguments = dx_convolve(
                sequences: sequences.baseAddress, count: Int64(sequences.count), channels: Int64(channels),
                taps: Int64(taps), x: x.read, x_stride: x.stride, weights: weights, bias: bias, silu: silu, y: y.base,
                y_stride: y.stride)
            runUnits(
                kernels.convolve, arguments, units: sequences.count * blocks(channels), order: bench.order)
        }
        return bench.run({ _, _, _ in }, 0, units: 0)
    }
}

/// State and `a` are [sequences][channel blocks][states][16].
struct ScanProblem: RecurrenceProblem {
    var lengths = [5, 1, 39]
    var channels: Int, states: Int
    var full = true, wantsOutput = true
    var schedule = Schedule.whole

    var inputLengths: [String: Int] {
        let padded = blocks(channels) * 16 * states
        return [
            "x": rows * channels, "dt": rows * channels, "b": rows * states, "c": rows * states, "a": padded,
            "state": lengths.count * padded,
        ].merging(full ? ["z": rows * channels, "d": channels, "dt_bias": channels] : [:]) { $1 }
    }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: channels), dt = bench.rows("dt", width: channels)
        let b = bench.rows("b", width: states), c = bench.rows("c", width: states)
        let z = full ? bench.rows("z", width: channels) : nil
        let a = bench.dense(bench.inputs["a"]!.map { -abs($0) }), d = bench.optional("d")
        let bias = bench.optional("dt_bias"), state = bench.state("state")
        let y = wantsOutput ? bench.result("y", rows, width: channels) : nil
        advance(memory: state, each: blocks(channels) * 16 * states, as: \.state, from: \.old_state) { sequences in
            let arguments = dx_scan(
                sequences: sequences.baseAddress, count: Int64(sequences.count), channels: Int64(channels),
                states: Int64(states), x: x.read, dt: dt.read, b: b.read, c: wantsOutput ? c.read : nil,
                z: wantsOutput ? z?.read : nil, x_stride: x.stride, dt_stride: dt.stride, b_stride: b.stride,
                c_stride: c.stride, z_stride: z?.stride ?? 0, a: a, d: d, dt_bias: bias, y: y?.base,
                y_stride: y?.stride ?? 0)
            runUnits(
                kernels.scan, arguments, units: sequences.count * blocks(channels), order: bench.order)
        }
        var results = bench.run({ _, _, _ in }, 0, units: 0)
        // Lanes beyond the channels mean nothing.
        results["state"] = results["state"]!.enumerated().filter { index, _ in
            let block = index / 16 / states % blocks(channels)
            return block * 16 + index % 16 < channels
        }.map(\.element)
        return results
    }
}

/// State is [sequences][heads][states][padded width].
struct SSDProblem: RecurrenceProblem {
    var lengths = [5, 1, 39]
    var heads: Int, groups: Int, width: Int, states: Int
    var full = true, wantsOutput = true
    var low: Float = 0, high: Float = .infinity
    /// Whether `a` is made negative, as checkpoints have it.
    var decays = true
    var schedule = Schedule.whole

    private var padded: Int { blocks(width) * 16 }

    var inputLengths: [String: Int] {
        [
            "x": rows * heads * width, "dt": rows * heads, "b": rows * groups * states, "c": rows * groups * states,
            "a": heads, "state": lengths.count * heads * states * padded,
        ].merging(full ? ["d": heads, "dt_bias": heads] : [:]) { $1 }
    }

    func run(_ kernels: dx_kernels, _ bench: KernelBench) -> [String: [Float]] {
        let x = bench.rows("x", width: heads * width), dt = bench.rows("dt", width: heads)
        let b = bench.rows("b", width: groups * states), c = bench.rows("c", width: groups * states)
        let a = bench.dense(bench.inputs["a"]!.map { decays ? -abs($0) : $0 }), d = bench.optional("d")
        let bias = bench.optional("dt_bias"), state = bench.state("state")
        let y = wantsOutput ? bench.result("y", rows, width: heads * width) : nil
        advance(memory: state, each: heads * states * padded, as: \.state, from: \.old_state) { sequences in
            let arguments = dx_ssd(
                sequences: sequences.baseAddress, count: Int64(sequences.count), heads: Int64(heads),
                groups: Int64(groups), width: Int64(width), states: Int64(states), x: x.read, dt: dt.read, b: b.read,
                c: wantsOutput ? c.read : nil, x_stride: x.stride, dt_stride: dt.stride, b_stride: b.stride,
                c_stride: c.stride, a: a, d: d, dt_bias: bias, low: low, high: high, y: y?.base,
                y_stride: y?.stride ?? 0)
            runUnits(kernels.ssd, arguments, units: sequences.count * heads, order: bench.order)
        }
        var results = bench.run({ _, _, _ in }, 0, units: 0)
        results["state"] = results["state"]!.enumerated().filter { $0.offset % padded < width }.map(\.element)
        return results
    }
}
