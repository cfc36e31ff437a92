/// The head of a safetensors file: where each tensor lies, and the file's metadata.
///
/// The format: 8 bytes with the length of the header, little-endian; the header, a JSON object from names to
/// `{"dtype": …, "shape": […], "data_offsets": [begin, end]}`; the data. Tensors fill the data without gaps or overlaps.
struct SafetensorsHeader: Sendable {
    struct Entry: Sendable {
        let type: TensorType
        let shape: [Int]
        /// Bytes in the file.
        let range: Range<Int>
    }

    private(set) var tensors = NameTable<Entry>()
    private(set) var metadata: [String: String] = [:]

    /// The reference implementation refuses headers above this too.
    static let longest = 100_000_000

    init(_ store: any ByteStore) throws(FormatError) {
        let bytes = store.bytes
        func malformed(_ problem: String) -> FormatError { FormatError(.malformed, store.location, problem) }

        guard bytes.count >= 8 else {
            throw malformed("a safetensors file must hold 8 bytes at least, this one has \(bytes.count)")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(SafetensorsHeader.longest), length <= UInt64(bytes.count - 8) else {
            throw malformed(
                "the safetensors header is said to be \(length) bytes long, which does not fit a file of \(bytes.count) bytes"
            )
        }
        let dataStart = 8 + Int(length)
        let text = UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart])
        guard text.first == UInt8(ascii: "{") else { throw malformed("the safetensors header must be a JSON object") }
        let root = JSONNode(try JSON(parsing: text, name: "\(store.location) (header)"), location: store.location)
        for (name, value) in try root.object() {
            if name == "__metadata__" {
                metadata = try SafetensorsHeader.strings(JSONNode(value, location: store.location, path: name))
            } else {
                let node = JSONNode(value, location: store.location, path: name)
                tensors.set(
                    name, try SafetensorsHeader.entry(node, dataStart: dataStart, dataBytes: bytes.count - dataStart))
            }
        }

        // Sorted by where they lie, each tensor must begin where the one before ends.
        var end = dataStart
        let order = tensors.values.indices.sorted {
            let (a, b) = (tensors.values[$0].range, tensors.values[$1].range)
            return (a.lowerBound, a.upperBound) < (b.lowerBound, b.upperBound)
        }
        for index in order {
            let range = tensors.values[index].range
            guard range.lowerBound == end else {
                let fault = range.lowerBound < end ? "overlaps with another tensor" : "leaves a gap before it"
                throw malformed("the tensor \(tensors.names[index]) \(fault)")
            }
            end = range.upperBound
        }
        guard end == bytes.count else {
            throw malformed("\(bytes.count - end) bytes at the end of the file belong to no tensor")
        }
    }

    private static func entry(_ node: JSONNode, dataStart: Int, dataBytes: Int) throws(FormatError) -> Entry {
        func malformed(_ problem: String) -> FormatError {
            FormatError(.malformed, node.location, "the tensor \(node.path) \(problem)")
        }
        let typeName = try node.string("dtype")
        guard let type = TensorType(rawValue: typeName), type.blockElements == 1 else {
            throw FormatError(
                .unsupported, node.location,
                "the tensor \(node.path) has the type \(typeName), which Dynamax cannot read")
        }
        var shape: [Int] = []
        for extent in try node.array("shape") { shape.append(try extent.int()) }
        guard shape.allSatisfy({ $0 >= 0 }), let size = type.bytes(of: shape) else {
            throw malformed("has the shape \(shape), which no tensor can have")
        }
        let offsets = try node.array("data_offsets")
        guard offsets.count == 2 else { throw malformed("must have two data_offsets, not \(offsets.count)") }
        let (begin, end) = (try offsets[0].int(), try offsets[1].int())
        guard 0 <= begin, begin <= end, end <= dataBytes else {
            throw malformed("lies at bytes \(begin) to \(end) of \(dataBytes): the file is cut short or damaged")
        }
        guard end - begin == size else {
            throw malformed("takes \(end - begin) bytes, but \(shape) of \(typeName) takes \(size)")
        }
        return Entry(type: type, shape: shape, range: dataStart + begin..<dataStart + end)
    }

    private static func strings(_ node: JSONNode) throws(FormatError) -> [String: String] {
        var strings: [String: String] = [:]
        for key in try node.object().keys { strings[key] = try node.string(key) }
        return strings
    }
}
