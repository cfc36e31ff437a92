/// The tensors of one safetensors file, or of bytes in its format.
public struct SafetensorsFile: TensorSource {
    private let store: any ByteStore
    private let header: SafetensorsHeader

    /// Maps a file and checks its header.
    public init(_ path: String) throws(FormatError) {
        try self.init(MappedFile(path))
    }

    /// Reads bytes that are at hand.
    ///
    /// - Parameters:
    ///   - bytes: a whole file.
    ///   - location: what the bytes are, for errors.
    public init(_ bytes: [UInt8], location: String) throws(FormatError) {
        try self.init(MemoryBytes(bytes, location: location))
    }

    /// Reads from a store.
    public init(_ store: any ByteStore) throws(FormatError) {
        self.store = store
        header = try SafetensorsHeader(store)
    }

    /// The file's name.
    public var location: String { store.location }

    /// What the file says about itself under `__metadata__`.
    public var metadata: [String: String] { header.metadata }

    /// The names of all tensors, in the order of the header.
    public var tensorNames: [String] { header.tensors.names }

    /// The tensor of a name, or nil where there is none.
    public func tensor(_ name: String) -> RawTensor? {
        header.tensors[name].map {
            RawTensor(name: name, type: $0.type, shape: $0.shape, store: store, range: $0.range)
        }
    }

    public func packedTensors() throws(FormatError) -> PackedTensors? { try PackedTensors(self) }
}
