import CDynamax

/// What the threads of a device do at best when they do nothing else: read memory, multiply. Kernels are held against it.
package struct MachineLimits {
    /// What is multiplied.
    package enum Operand: CaseIterable, Sendable {
        /// 8-bit integers, summed exactly.
        case int8
        /// bf16, summed in f32.
        case bf16
        case f32
    }

    /// Work, and the time that it took.
    package struct Measurement {
        /// Bytes, or multiply-adds.
        package var amount: Double
        package var seconds: Double

        package init(amount: Double = 0, seconds: Double = 0) {
            (self.amount, self.seconds) = (amount, seconds)
        }

        /// How much a second.
        package var rate: Double { amount / max(seconds, 1e-9) }

        package static func += (a: inout Measurement, b: Measurement) {
            a.amount += b.amount
            a.seconds += b.seconds
        }
    }

    private let device: Device
    private let kernels: dx_limit_kernels
    private let units: Int
    private let memory: Storage
    private let sums: Storage
    /// The way of reading that was the fastest.
    private var way: dx_task

    /// Fills a buffer, and finds out how it is read fastest.
    ///
    /// - Parameters:
    ///   - device: whose threads and instruction set are measured.
    ///   - bytes: of the buffer: far more than the caches of the whole machine, of which a process may see but a part.
    package init(of device: Device, bytes: Int = 1 << 30) {
        self.device = device
        kernels = dx_limit_kernels_of(dx_isa(rawValue: device.instructionSet.rawValue))!.pointee
        units = max(bytes / Int(DX_READ_UNIT), 1)
        memory = Storage(capacity: units * Int(DX_READ_UNIT))
        sums = Storage(capacity: units * MemoryLayout<UInt64>.size)
        memory.address.initializeMemory(as: UInt8.self, repeating: 1, count: memory.capacity)
        way = kernels.reads.0!
        var best = 0.0
        for candidate in ways {
            for _ in 0..<2 {
                let rate = readOnce(candidate).rate
                if rate > best { (way, best) = (candidate, rate) }
            }
        }
    }

    private var ways: [dx_task] {
        withUnsafeBytes(of: kernels.reads) { $0.bindMemory(to: dx_task?.self).compactMap(\.self) }
    }

    /// Reads the buffer over and over for at least so many seconds, and counts the bytes.
    package func read(for seconds: Double) -> Measurement {
        repeated(for: seconds) { readOnce(way) }
    }

    /// Multiplies in registers for at least so many seconds, and counts the multiply-adds; nil where the device has no instruction for it.
    package func multiply(_ operand: Operand, for seconds: Double) -> Measurement? {
        let task =
            switch operand {
            case .int8: kernels.int8
            case .bf16: kernels.bf16
            case .f32: kernels.f32
            }
        guard let task else { return nil }
        let units = device.threads * 16
        return repeated(for: seconds) {
            withUnsafeTemporaryAllocation(of: Int64.self, capacity: units) { counts in
                let arguments = dx_multiply_adds(steps: 1 << 14, counts: counts.baseAddress)
                let time = ContinuousClock().measure { device.run(task, arguments, units: units) }
                return Measurement(amount: counts.reduce(0) { $0 + Double($1) }, seconds: time / .seconds(1))
            }
        }
    }

    private func readOnce(_ way: dx_task) -> Measurement {
        let arguments = dx_read(
            bytes: memory.address, sums: sums.address.assumingMemoryBound(to: UInt64.self))
        let time = ContinuousClock().measure { device.run(way, arguments, units: units) }
        return Measurement(amount: Double(memory.capacity), seconds: time / .seconds(1))
    }

    private func repeated(for seconds: Double, _ work: () -> Measurement) -> Measurement {
        var total = work()
        while total.seconds < seconds { total += work() }
        return total
    }
}
