// Oracle: what this machine can do at best, measured in turns with the products. Off by default, for a busy machine would fail it:
//     DYNAMAX_LIMITS=1 swift test -c release --filter ProductSpeedTests
import DynamaxTensor
import Foundation
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DYNAMAX_LIMITS"] != nil))
struct ProductSpeedTests {
    static let (inputs, outputs) = (2048, 5632)
    static let rounds = 7

    /// A product with one row reads its weights once, and should do it as fast as memory gives them.
    @Test(arguments: [(WeightFormat.int8(group: 128), 0.85), (.int4(group: 128), 0.7), (.bf16, 0.9)])
    func `one row streams its weights`(format: WeightFormat, share: Double) throws {
        let device = try Device(threads: min(2, Device.processorCount))
        let limits = MachineLimits(of: device)
        // More than the caches hold, as the layers of a model are.
        let layers = (0..<(1 << 29) / (Self.outputs * Self.inputs * format.bits / 8)).map { _ in
            Self.matrix(format, on: device)
        }
        let x = Self.rows(1, on: device)
        let found = Self.median { () -> Double in
            let limit = limits.read(for: 0.05)
            let time = ContinuousClock().measure {
                for layer in layers { _ = layer.multiply(x) }
            }
            return Double(layers.reduce(0) { $0 + $1.bytes }) / (time / .seconds(1)) / limit.rate
        }
        print("one row, \(format): \(found) of what reading reaches")
        #expect(found > share)
    }

    /// With many rows, weights lie in caches, and the instructions are what bounds a product.
    @Test(arguments: Device.InstructionSet.allCases.filter { $0.isAvailable && $0 != .scalar }, [1, 2])
    func `many rows keep the multipliers busy`(set: Device.InstructionSet, threads: Int) throws {
        let device = try Device(threads: threads, instructionSet: set)
        let limits = MachineLimits(of: device, bytes: 0)
        let layer = Self.matrix(.int8(group: 128), on: device), x = Self.rows(512, on: device)
        let share = set == .amx ? 0.15 : 0.5
        let found = Self.median { () -> Double in
            let limit = limits.multiply(.int8, for: 0.02)!
            let time = ContinuousClock().measure { _ = layer.multiply(x) }
            return Double(512 * Self.inputs * Self.outputs) / (time / .seconds(1)) / limit.rate
        }
        print("512 rows, \(set), \(threads) threads: \(found) of what the multipliers reach")
        #expect(found > share)
    }

    private static func median(_ measure: () -> Double) -> Double {
        _ = measure()
        return (0..<rounds).map { _ in measure() }.sorted()[rounds / 2]
    }

    private static func matrix(_ format: WeightFormat, on device: Device) -> PackedMatrix {
        PackedMatrix(outputs: outputs, inputs: inputs, format: format, on: device) { rows, numbers in
            for index in 0..<rows.count * inputs { numbers[index] = Float((index &* 40_503) & 255) / 128 - 1 }
        }
    }

    private static func rows(_ count: Int, on device: Device) -> Tensor {
        var random = Seeded(1)
        return Tensor(random.floats(count * inputs), [count, inputs], on: device)
    }
}
