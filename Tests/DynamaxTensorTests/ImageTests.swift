// Oracles: PyTorch, through Tests/Fixtures/Scripts/make_image_fixtures.py; central differences of the loss.
import DynamaxFormats
import DynamaxTensor
import Foundation
import TestSupport
import Testing

@Suite struct ImageTests {
    /// A case with the numbers of its fixture.
    private struct Problem {
        let operation: ImageCase
        let device: Device
        /// [images, channels, height, width]
        let x: Tensor
        let weights, bias: Tensor?
        let targets: [Token]
        let rowWeights: Tensor
        let expected: (String) throws -> [Float]

        init(_ operation: ImageCase, on device: Device) throws {
            let file = try SafetensorsFile(Fixtures.url("gradients/images.safetensors").path)
            func tensor(_ name: String) throws -> Tensor? {
                guard let stored = file.tensor("\(operation.name).\(name)") else { return nil }
                return Tensor(try stored.floats(), Shape(stored.shape), on: device)
            }
            self.operation = operation
            self.device = device
            x = try #require(try tensor("x"))
            weights = try tensor("weights")?.parameter
            bias = try tensor("bias")?.parameter
            targets = try file.require("\(operation.name).targets").integers().map(Token.init)
            rowWeights = try #require(try tensor("rows"))
            expected = { try file.require("\(operation.name).\($0)").floats() }
        }

        /// Pixels that gradients flow to.
        func pixels(_ planes: Tensor) -> ImageRows { ImageRows(planes: planes).map(\.parameter) }

        func loss(_ x: ImageRows) -> (y: ImageRows, loss: Tensor) {
            let y = operation(x, weights: weights, bias: bias)
            return (y, y.rows.crossEntropy(targets: targets, weights: rowWeights))
        }

        /// The result and all gradients, by name, in PyTorch's shapes.
        func solve() -> [String: Tensor] {
            let pixels = pixels(x)
            let (y, gradients) = device.recording {
                let (y, loss) = loss(pixels)
                return (y, loss.backward())
            }
            var results = ["y": y.planes]
            if let gradient = gradients[pixels.rows] { results["dx"] = pixels.map { _ in gradient }.planes }
            if let weights { results["dweights"] = gradients[weights] }
            if let bias { results["dbias"] = gradients[bias] }
            return results
        }
    }

    @Test("outputs and gradients are PyTorch's", arguments: ImageCase.all)
    func oracle(_ operation: ImageCase) throws {
        let problem = try Problem(operation, on: Device(threads: 2))
        let results = problem.solve()
        #expect(results.count == 2 + (problem.weights == nil ? 0 : 1) + (problem.bias == nil ? 0 : 1))
        for (name, values) in results {
            #expect(relativeError(values.array, try problem.expected(name)) < 1e-5, "\(name)")
        }
    }

    @Test("gradients agree with central differences", arguments: ImageCase.all)
    func differences(_ operation: ImageCase) throws {
        let problem = try Problem(operation, on: Device(threads: 2))
        let gradients = problem.solve()
        var random = Seeded(3)
        let operands = [("dx", problem.x), ("dweights", problem.weights), ("dbias", problem.bias)]
        for case (let name, let operand?) in operands {
            let gradient = try #require(gradients[name]).array
            let before = operand.array
            let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            // The gradient's own direction, turned a little at random. Steps are so small that no maximum changes its place.
            let direction = gradient.map { $0 / Float(norm) + 0.02 * Float.random(in: -1...1, using: &random) }
            let slope = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            func loss(_ step: Float) -> Double {
                operand.update { target in
                    for index in before.indices { target[index] = before[index] + step * direction[index] }
                }
                defer { operand.update { target in for index in before.indices { target[index] = before[index] } } }
                return Double(problem.loss(problem.pixels(problem.x)).loss.array[0])
            }
            let step = Float(0.003)
            let difference = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / Double(12 * step)
            #expect(abs(difference - slope) < 1e-3 * norm, "\(name)")
        }
    }

    @Test("threads change no bit", arguments: ImageCase.all, [Precision.f32, .bf16])
    func threads(_ operation: ImageCase, _ precision: Precision) throws {
        func solve(_ threads: Int) throws -> [String: [Float]] {
            let device = try Device(threads: threads)
            return try device.multiplying(in: precision) { try Problem(operation, on: device).solve() }.mapValues(
                \.array)
        }
        let expected = try solve(1)
        for threads in [2, 5] { #expect(try solve(threads) == expected) }
    }

    @Test("mixed precision is PyTorch's to some digits", arguments: ImageCase.all)
    func mixed(_ operation: ImageCase) throws {
        let device = try Device(threads: 2)
        let problem = try Problem(operation, on: device)
        for (name, values) in device.multiplying(in: .bf16, { problem.solve() }) {
            #expect(relativeError(values.array, try problem.expected(name)) < 0.02, "\(name)")
        }
    }

    @Test("an image's numbers do not depend on the others, nor on how the rows are cut")
    func batches() throws {
        // 3200 output pixels with patches of 576 numbers: more than one chunk.
        let device = try Device(threads: 2)
        var random = Seeded(4)
        let x = Tensor(random.floats(2 * 64 * 40 * 40), [2, 64, 40, 40], on: device)
        let weights = Tensor(random.floats(8 * 64 * 9, in: -0.1...0.1), [8, 64, 3, 3], on: device).parameter
        let targets = (0..<3200).map { Token($0 % 8) }
        func solve(_ x: Tensor, _ targets: [Token]) -> (y: [Float], x: [Float], weights: [Float]) {
            let pixels = ImageRows(planes: x).map(\.parameter)
            let (y, gradients) = device.recording {
                let y = pixels.convolved(with: weights, padding: 1)
                return (y, y.rows.crossEntropy(targets: targets).backward())
            }
            return (y.rows.array, gradients[pixels.rows]?.array ?? [], gradients[weights]?.array ?? [])
        }
        let both = solve(x, targets)
        let numbers = x.array, half = numbers.count / 2
        let parts = [numbers[..<half], numbers[half...]].enumerated().map { index, part in
            solve(Tensor(Array(part), [1, 64, 40, 40], on: device), Array(targets[index * 1600..<(index + 1) * 1600]))
        }
        #expect(both.y == parts[0].y + parts[1].y)
        #expect(both.x == parts[0].x + parts[1].x)
        #expect(relativeError(both.weights, zip(parts[0].weights, parts[1].weights).map(+)) < 1e-5)
    }

    @Test("what is not a number is the largest")
    func notANumber() throws {
        let device = try Device(threads: 1)
        let image = ImageRows(Tensor([1, .nan, 3, -.infinity], [4, 1], on: device), images: 1, height: 2, width: 2)
        #expect(image.maxPooled(ImageWindow(height: 2, width: 2)).rows.array[0].isNaN)
        let depths = ImageRows(
            Tensor([-.infinity, -.infinity], [2, 1], on: device), images: 1, height: 1, width: 2)
        #expect(depths.maxPooled(ImageWindow(height: 1, width: 2)).rows.array == [-.infinity])
    }

    @Test("planes come back as they were")
    func planes() throws {
        let device = try Device(threads: 2)
        var random = Seeded(5)
        let numbers = random.floats(2 * 5 * 3 * 7)
        let image = ImageRows(planes: Tensor(numbers, [2, 5, 3, 7], on: device))
        #expect(image.rows.shape == [42, 5] && image.height == 3 && image.width == 7)
        #expect(image.rows.array[1] == numbers[21])  // the second channel of the first pixel
        #expect(image.planes.array == numbers)
    }
}
