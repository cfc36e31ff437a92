/// A model, or a vocabulary alone, in one file of the GGUF format, version 2 or 3.
///
/// The head of the file is checked when it is opened; tensors are read when they are asked for.
public struct GGUFFile: TensorSource {
    /// The keys and values at the head of the file.
    public let metadata: GGUFMetadata
    private let tensors: NameTable<GGUFTensorInfo>
    private let store: any ByteStore
    private let dataStart: Int

    /// Maps a file and checks its head.
    public init(_ path: String) throws(FormatError) {
        try self.init(MappedFile(path))
    }

    /// Reads from bytes that are at hand.
    public init(_ store: any ByteStore) throws(FormatError) {
        self.store = store
        var reader = GGUFReader(store)
        let magic = try reader.integer(UInt32.self, "its first four bytes")
        guard magic == 0x4655_4747 else {
            throw FormatError(.malformed, store.location, "a GGUF file must begin with the letters GGUF")
        }
        let version = try reader.integer(UInt32.self, "its version")
        guard (2...3).contains(version) else { throw GGUFFile.unsupportedVersion(version, store.location) }
        // A tensor takes at least 8 + 4 + 4 + 8 bytes, a key and its value 8 + 4 + 1.
        let tensorCount = try reader.count(ofSize: 24, "the number of tensors")
        let keyCount = try reader.count(ofSize: 13, "the number of metadata keys")
        metadata = try GGUFMetadata(&reader, count: keyCount)
        var tensors = NameTable<GGUFTensorInfo>()
        for _ in 0..<tensorCount {
            let name = try reader.string("the name of a tensor")
            let info = try GGUFTensorInfo(&reader, name: name)
            guard tensors.set(name, info) else {
                throw reader.malformed("holds the tensor \(name) twice")
            }
        }
        self.tensors = tensors
        let alignment = try metadata.optionalInt("general.alignment") ?? 32
        guard (1...1 << 20).contains(alignment), alignment & (alignment - 1) == 0 else {
            throw metadata.expected("a power of two, at most 2^20", "general.alignment")
        }
        dataStart = (reader.position + alignment - 1) & ~(alignment - 1)
        try GGUFFile.checkPlaces(
            tensors, alignment: alignment, dataBytes: max(0, store.bytes.count - dataStart), reader)
    }

    /// The file's name.
    public var location: String { store.location }

    /// The names of all tensors, in the order of the file.
    public var tensorNames: [String] { tensors.names }

    /// The tensor of a name, or nil where there is none.
    ///
    /// - Throws: `FormatError` when its type is one that Dynamax cannot read.
    public func tensor(_ name: String) throws(FormatError) -> RawTensor? {
        guard let info = tensors[name] else { return nil }
        guard let type = TensorType(ggufNumber: info.typeNumber), let bytes = info.bytes else {
            throw FormatError(
                .unsupported, location,
                "the tensor \(name) is stored as \(TensorType.nameOfUnsupported(ggufNumber: info.typeNumber)), "
                    + "which Dynamax cannot read")
        }
        // A file of empty tensors alone may end before its data would start.
        let start = bytes == 0 ? 0 : dataStart + info.offset
        return RawTensor(name: name, type: type, shape: info.shape, store: store, range: start..<start + bytes)
    }

    private static func unsupportedVersion(_ version: UInt32, _ location: String) -> FormatError {
        let problem =
            switch version {
            case 1: "the file has GGUF version 1, expected 2 or 3; convert the model again"
            case _ where (1...3).contains(version.byteSwapped): "the GGUF file is big-endian, expected little-endian"
            default: "the file has GGUF version \(version), expected 2 or 3"
            }
        return FormatError(.unsupported, location, problem)
    }

    /// Checks that tensors are aligned, lie within the file and do not overlap.
    private static func checkPlaces(
        _ tensors: NameTable<GGUFTensorInfo>, alignment: Int, dataBytes: Int, _ reader: GGUFReader
    ) throws(FormatError) {
        var end = 0
        var previous = ""
        // By size where offsets are equal, so that empty tensors come before the one that lies at their place.
        let ordered = zip(tensors.names, tensors.values).sorted {
            ($0.1.offset, $0.1.bytes ?? 0) < ($1.1.offset, $1.1.bytes ?? 0)
        }
        for (name, info) in ordered {
            guard info.offset % alignment == 0 else {
                throw reader.malformed(
                    "puts the tensor \(name) at offset \(info.offset), which is no multiple of \(alignment)")
            }
            // A type that is not known has no size; it is refused when it is asked for.
            let bytes = info.bytes ?? 0
            guard info.offset <= dataBytes, bytes <= dataBytes - info.offset else {
                throw reader.malformed(
                    "puts the \(bytes) bytes of the tensor \(name) at offset \(info.offset) of \(dataBytes): "
                        + "it is cut short or damaged")
            }
            guard info.offset >= end else {
                throw reader.malformed("lets the tensors \(previous) and \(name) overlap")
            }
            if bytes > 0 {
                end = info.offset + bytes
                previous = name
            }
        }
    }
}

/// What the head of a GGUF file says about a tensor.
struct GGUFTensorInfo: Sendable {
    /// Outermost extent first; the file lists the innermost first.
    let shape: [Int]
    let typeNumber: UInt32
    /// From the start of the data.
    let offset: Int
    /// Nil for a type that is not known.
    let bytes: Int?

    init(_ reader: inout GGUFReader, name: String) throws(FormatError) {
        let rank = try reader.integer(UInt32.self, "the tensor \(name)")
        guard rank <= 4 else { throw reader.malformed("gives the tensor \(name) \(rank) axes, expected at most 4") }
        var extents: [Int] = []
        for _ in 0..<rank {
            let extent = try reader.integer(UInt64.self, "the tensor \(name)")
            guard let extent = Int(exactly: extent) else {
                throw reader.malformed("gives the tensor \(name) the extent \(extent), which is too large")
            }
            extents.append(extent)
        }
        shape = extents.reversed()
        typeNumber = try reader.integer(UInt32.self, "the tensor \(name)")
        let offset = try reader.integer(UInt64.self, "the tensor \(name)")
        guard let offset = Int(exactly: offset) else {
            throw reader.malformed("puts the tensor \(name) at offset \(offset), which is too large")
        }
        self.offset = offset
        if let type = TensorType(ggufNumber: typeNumber) {
            guard let bytes = type.bytes(of: shape) else {
                throw reader.malformed(
                    "gives the tensor \(name) the shape \(shape), which does not fit its type \(type.rawValue)")
            }
            self.bytes = bytes
        } else {
            bytes = nil
        }
    }
}
