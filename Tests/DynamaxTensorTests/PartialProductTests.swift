// Oracle: the whole product, bit for bit.
import DynamaxTensor
import TestSupport
import Testing

@Suite struct PartialProductTests {
    /// Formats, and the precisions that their products know.
    static let formats: [(WeightFormat, Precision)] = [
        (.f32, .f32), (.f16, .f32), (.bf16, .f32), (.bf16, .bf16), (.int8(group: 32), .f32), (.int8(group: 128), .f32),
        (.int4(group: 32), .f32),
    ]

    @Test("some outputs have the bits that they have among all", arguments: Device.InstructionSet.allCases, formats)
    func bits(_ set: Device.InstructionSet, _ kind: (format: WeightFormat, precision: Precision)) throws {
        guard set.isAvailable else { return }
        let device = try Device(threads: 2, instructionSet: set, precision: kind.precision)
        var random = Seeded(1)
        let (inputs, outputs) = (131, 149)
        let numbers = random.floats(outputs * inputs)
        let matrix = PackedMatrix(outputs: outputs, inputs: inputs, format: kind.format, on: device) { rows, target in
            for (index, number) in numbers[rows.lowerBound * inputs..<rows.upperBound * inputs].enumerated() {
                target[index] = number
            }
        }
        let bias = Tensor(random.floats(outputs), [outputs], on: device)
        for rows in [1, 3, 40] {
            let x = Tensor(random.floats(rows * inputs), [rows, inputs], on: device)
            let whole = matrix.multiply(x, bias: bias)
            for range in [0..<149, 0..<5, 16..<32, 32..<149, 17..<80, 140..<149, 148..<149] {
                let part = matrix.multiply(x, outputs: range, bias: bias)
                #expect(part.array == whole.columns(range).array, "\(rows) rows, outputs \(range)")
            }
        }
        #expect(matrix.bytes(ofOutputs: 0..<149) == matrix.bytes)
        #expect(matrix.bytes(ofOutputs: 17..<33) == matrix.bytes / 10 * 2)
    }
}
