public import DynamaxTensor

/// The parameters of a model that learns: dense leaves of the tape, under the names that checkpoints give them.
public final class TrainableParameters {
    /// How a tensor lies in a checkpoint.
    public enum Layout: Sendable {
        /// As it is.
        case rows
        /// A convolution, [taps, channels] here and [channels, 1, taps] there.
        case convolution
    }

    /// One leaf, which may hold several parameters of the checkpoint one below the other.
    public struct Entry: Sendable {
        /// The tensor; its numbers change in place as it learns.
        public let tensor: Tensor
        /// The parameters in it, with the number of rows of each.
        public let parameters: [(name: String, rows: Int)]
        /// How they lie in a checkpoint.
        public let layout: Layout
    }

    /// All leaves, in the order of loading.
    public private(set) var entries: [Entry] = []
    private var leafOfName: [String: Tensor] = [:]

    /// Makes an empty collection, for a model to fill while it is loaded.
    public init() {}

    /// The number of numbers.
    public var count: Int { entries.reduce(0) { $0 + $1.tensor.shape.count } }

    /// The leaf that a parameter lies in.
    public func tensor(_ name: String) -> Tensor? { leafOfName[name] }

    func add(_ tensor: Tensor, _ parameters: [(String, Int)], _ layout: Layout) -> Tensor {
        let leaf = tensor.parameter
        entries.append(Entry(tensor: leaf, parameters: parameters.map { (name: $0.0, rows: $0.1) }, layout: layout))
        for (name, _) in parameters { leafOfName[name] = leaf }
        return leaf
    }
}

extension TrainableParameters.Entry {
    /// The numbers of each parameter as a checkpoint holds them, taken from a tensor of this entry's shape: the values
    /// themselves, or their gradients.
    public func stored(_ tensor: Tensor) -> [(name: String, numbers: [Float], shape: [Int])] {
        let numbers = tensor.array
        switch layout {
        case .convolution:
            let (taps, channels) = (tensor.shape[0], tensor.shape[1])
            let transposed = (0..<taps * channels).map { numbers[$0 % taps * channels + $0 / taps] }
            return [(parameters[0].name, transposed, [channels, 1, taps])]
        case .rows:
            let width = tensor.shape.count / tensor.shape[0]
            var start = 0
            return parameters.map { parameter in
                defer { start += parameter.rows }
                let shape =
                    tensor.shape.rank == 1 ? [parameter.rows] : [parameter.rows] + tensor.shape.array.dropFirst()
                return (parameter.name, Array(numbers[start * width..<(start + parameter.rows) * width]), shape)
            }
        }
    }
}
