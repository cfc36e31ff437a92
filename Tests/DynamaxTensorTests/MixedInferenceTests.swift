// Oracles: the product of mixed precision that learning uses, bit for bit; and one row alone.
import DynamaxTensor
import TestSupport
import Testing

@Suite struct MixedInferenceTests {
    @Test(
        "weights held in bf16 give the bits of mixed precision, a row alone too",
        arguments: Device.InstructionSet.allCases)
    func bits(_ set: Device.InstructionSet) throws {
        guard set.isAvailable else { return }
        let device = try Device(threads: 2, instructionSet: set, precision: .bf16)
        var random = Seeded(7)
        let (rows, inputs, outputs) = (37, 131, 149)
        let numbers = random.floats(outputs * inputs)
        let matrix = PackedMatrix(outputs: outputs, inputs: inputs, format: .bf16, on: device) { rows, target in
            for (index, number) in numbers[rows.lowerBound * inputs..<rows.upperBound * inputs].enumerated() {
                target[index] = number
            }
        }
        let x = Tensor(random.floats(rows * inputs), [rows, inputs], on: device)
        let bias = Tensor(random.floats(outputs), [outputs], on: device)
        let residual = Tensor(random.floats(rows * outputs), [rows, outputs], on: device)
        let y = matrix.multiply(x, bias: bias, adding: residual)
        let dense = Tensor(numbers, [outputs, inputs], on: device)
        #expect(y.array == x.product(with: dense, bias: bias, adding: residual).array)
        for row in [0, 16, 36] {
            let alone = matrix.multiply(x.rows(row..<row + 1), bias: bias, adding: residual.rows(row..<row + 1))
            #expect(alone.array == y.rows(row..<row + 1).array)
        }
        let exact = device.multiplying(in: .f32) { matrix.multiply(x, bias: bias, adding: residual) }
        #expect(exact.array != y.array)
    }
}
