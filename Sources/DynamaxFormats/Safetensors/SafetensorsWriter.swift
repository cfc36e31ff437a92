public import DynamaxTensor

/// Collects tensors and writes them in the safetensors format, to a file or to memory.
///
/// Equal contents give equal files.
public struct SafetensorsWriter: Sendable {
    /// In which order the data of tensors lies.
    public enum Order: Sendable {
        /// As the reference implementation does it: by falling size of their elements, so that each is aligned.
        case bySize
        /// As they were added, from a multiple of 64 bytes on.
        case asAdded
    }

    /// What the file says about itself under `__metadata__`.
    public var metadata: [String: String]
    /// In which order the data lies.
    public let order: Order
    private var tensors = NameTable<Item>()

    private struct Item: Sendable {
        let name: String
        let type: TensorType
        let shape: [Int]
        let numbers: Numbers
    }

    private enum Numbers: Sendable {
        case floats([Float])
        case integers([Int32])
        case bytes([UInt8])
        case later(count: Int, @Sendable () -> [UInt8])

        func withBytes<Failure: Error>(
            _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
        ) throws(Failure) {
            // All supported platforms are little-endian, as the format is.
            switch self {
            case .floats(let numbers):
                try numbers.withUnsafeBufferPointer { n throws(Failure) in try body(UnsafeRawBufferPointer(n)) }
            case .integers(let numbers):
                try numbers.withUnsafeBufferPointer { n throws(Failure) in try body(UnsafeRawBufferPointer(n)) }
            case .bytes(let numbers):
                try numbers.withUnsafeBufferPointer { n throws(Failure) in try body(UnsafeRawBufferPointer(n)) }
            case .later(let count, let make):
                let numbers = make()
                precondition(numbers.count == count)
                try numbers.withUnsafeBufferPointer { n throws(Failure) in try body(UnsafeRawBufferPointer(n)) }
            }
        }

        var byteCount: Int {
            switch self {
            case .floats(let numbers): numbers.count * 4
            case .integers(let numbers): numbers.count * 4
            case .bytes(let numbers): numbers.count
            case .later(let count, _): count
            }
        }
    }

    /// Makes a writer without tensors.
    public init(metadata: [String: String] = [:], order: Order = .bySize) {
        self.metadata = metadata
        self.order = order
    }

    /// Adds f32 numbers in row-major order.
    public mutating func add(_ name: String, _ numbers: [Float], shape: [Int]) {
        add(name, .f32, shape, .floats(numbers))
    }

    /// Adds i32 numbers in row-major order.
    public mutating func add(_ name: String, integers numbers: [Int32], shape: [Int]) {
        add(name, .i32, shape, .integers(numbers))
    }

    /// Adds a tensor of f32 numbers.
    public mutating func add(_ name: String, _ tensor: Tensor) {
        add(name, .f32, tensor.shape.array, .floats(tensor.array))
    }

    /// Adds numbers of any type but the block types, as little-endian bytes.
    public mutating func add(_ name: String, type: TensorType, bytes: [UInt8], shape: [Int]) {
        precondition(type.blockElements == 1, "safetensors files hold no blocks")
        add(name, type, shape, .bytes(bytes))
    }

    /// Adds a tensor whose bytes are made when they are written, so that they need not be in memory all at once.
    public mutating func add(
        _ name: String, type: TensorType, shape: [Int], bytes count: Int, later make: @escaping @Sendable () -> [UInt8]
    ) {
        precondition(type.blockElements == 1, "safetensors files hold no blocks")
        add(name, type, shape, .later(count: count, make))
    }

    private mutating func add(_ name: String, _ type: TensorType, _ shape: [Int], _ numbers: Numbers) {
        precondition(type.bytes(of: shape) == numbers.byteCount, "\(name): the numbers do not fill the shape \(shape)")
        let isNew = tensors.set(name, Item(name: name, type: type, shape: shape, numbers: numbers))
        precondition(isNew && name != "__metadata__", "\(name) is taken")
    }

    /// The file's contents.
    public func bytes() -> [UInt8] {
        let (header, items) = layout()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(header.count + items.reduce(0) { $0 + $1.numbers.byteCount })
        bytes += header
        for item in items { item.numbers.withBytes { bytes.append(contentsOf: $0) } }
        return bytes
    }

    /// Writes a file; one that was there is replaced only when all has been written.
    ///
    /// - Throws: `FormatError` when the system refuses, for example because the disk is full.
    public func write(to path: String) throws(FormatError) {
        let (header, items) = layout()
        try FileOutput.replace(path) { output throws(FormatError) in
            try output.write(header)
            for item in items {
                try item.numbers.withBytes { bytes throws(FormatError) in try output.write(bytes) }
            }
        }
    }

    /// The length of the header and the header itself, and the tensors in the order of their data.
    private func layout() -> (header: [UInt8], items: [Item]) {
        let items =
            switch order {
            case .asAdded: tensors.values
            case .bySize:
                tensors.values.sorted {
                    let (a, b) = (SafetensorsWriter.rank($0.type), SafetensorsWriter.rank($1.type))
                    return a == b ? Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) : a < b
                }
            }
        var header = JSONObject()
        if !metadata.isEmpty {
            var pairs = JSONObject()
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { pairs.set(key, .string(value)) }
            header.set("__metadata__", .object(pairs))
        }
        var begin = 0
        for item in items {
            let end = begin + item.numbers.byteCount
            header.set(
                item.name,
                .object([
                    "dtype": .string(item.type.rawValue), "shape": .array(item.shape.map { .integer($0) }),
                    "data_offsets": .array([.integer(begin), .integer(end)]),
                ]))
            begin = end
        }
        var text = Array(JSON.object(header).description.utf8)
        let alignment = order == .asAdded ? 64 : 8
        let excess = (8 + text.count) % alignment
        text += Array(repeating: UInt8(ascii: " "), count: (alignment - excess) % alignment)
        let length = UInt64(text.count).littleEndian
        return (withUnsafeBytes(of: length) { Array($0) } + text, items)
    }

    /// The place of a type in the layout.
    private static func rank(_ type: TensorType) -> Int {
        let order: [TensorType] = [
            .u64, .i64, .f64, .f32, .u32, .i32, .bf16, .f16, .u16, .i16, .f8E8M0, .f8E4M3, .f8E5M2, .i8, .u8, .bool,
        ]
        return order.firstIndex(of: type) ?? order.count
    }
}
