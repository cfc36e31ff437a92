// Oracle: the product with a dense matrix of the same numbers, whose gradients are checked beside PyTorch's.
import DynamaxTensor
import TestSupport
import Testing

@Suite struct FrozenProductTests {
    @Test(arguments: [WeightFormat.f32, .bf16, .f16, .int8(group: 32), .int4(group: 32)])
    func `gradients pass through packed weights`(format: WeightFormat) throws {
        let device = try Device(threads: 2), (rows, inputs, outputs) = (5, 70, 45)
        var random = Seeded(7)
        let weights = random.floats(outputs * inputs)
        let matrix = PackedMatrix(outputs: outputs, inputs: inputs, format: format, on: device) { range, numbers in
            for (index, weight) in weights[(range.lowerBound * inputs)..<(range.upperBound * inputs)].enumerated() {
                numbers[index] = weight
            }
        }
        let dense = Tensor(matrix.unpacked(), [outputs, inputs], on: device)
        let x = Tensor(random.floats(rows * inputs), [rows, inputs], on: device).parameter
        let bias = Tensor(random.floats(outputs), [outputs], on: device).parameter
        let residual = Tensor(random.floats(rows * outputs), [rows, outputs], on: device).parameter
        // The same gradient of the result for both: a sum of squares would depend on its rounded numbers.
        let slope = Tensor(random.floats(outputs * 3), [3, outputs], on: device)
        func gradients(_ product: (Tensor, Tensor, Tensor) -> Tensor) -> [[Float]] {
            device.recording {
                let gradients = product(x, bias, residual).product(with: slope).sum().backward()
                return [x, bias, residual].map { gradients[$0]?.array ?? [] }
            }
        }
        let found = gradients { matrix.multiply($0, bias: $1, adding: $2) }
        #expect(found == gradients { $0.product(with: dense, bias: $1, adding: $2) })
        #expect(found.map(\.count) == [rows * inputs, outputs, rows * outputs])
        // Some outputs alone, as a part of all.
        let few = slope.columns(0..<23)
        func slopes(_ product: (Tensor) -> Tensor) -> [Float] {
            device.recording { product(x).product(with: few).sum().backward()[x]?.array ?? [] }
        }
        let part = slopes { matrix.multiply($0, outputs: 17..<40, bias: bias) }
        #expect(part == slopes { $0.product(with: dense, bias: bias).columns(17..<40) })
    }

    @Test func `without the tape nothing is remembered`() throws {
        let device = try Device(threads: 1)
        let matrix = PackedMatrix(outputs: 4, inputs: 4, format: .f32, on: device) { rows, numbers in
            numbers.update(repeating: 1, count: rows.count * 4)
        }
        let x = Tensor([1, 2, 3, 4], [1, 4], on: device).parameter
        #expect(!matrix.multiply(x).isTracked)
        #expect(device.recording { matrix.multiply(x).isTracked })
        #expect(device.recording { !matrix.multiply(x.detached).isTracked })
    }
}
