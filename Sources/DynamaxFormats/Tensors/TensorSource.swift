/// Where a model finds its tensors by name: a file, several files, or names translated from another convention.
public protocol TensorSource: Sendable {
    /// The file or folder, for errors.
    var location: String { get }

    /// The names of all tensors.
    var tensorNames: [String] { get }

    /// The tensor of a name, or nil where there is none.
    ///
    /// - Throws: `FormatError` when it is there but of a type that cannot be read.
    func tensor(_ name: String) throws(FormatError) -> RawTensor?

    /// The matrices that are packed in 8 or 4 bits, whose numbers are not under their own names; nil where there are none.
    ///
    /// - Throws: `FormatError` when the source says that there are some, and is wrong.
    func packedTensors() throws(FormatError) -> PackedTensors?
}

extension TensorSource {
    public func packedTensors() throws(FormatError) -> PackedTensors? { nil }

    /// A tensor that must be there.
    public func require(_ name: String) throws(FormatError) -> RawTensor {
        guard let tensor = try tensor(name) else {
            throw FormatError(.missing, location, "the tensor \(name) is missing")
        }
        return tensor
    }

    /// A tensor that must be there and have this shape.
    public func require(_ name: String, shape: [Int]) throws(FormatError) -> RawTensor {
        let tensor = try require(name)
        guard tensor.shape == shape else {
            throw tensor.error(.mismatch, "has shape \(tensor.shape), expected \(shape)")
        }
        return tensor
    }
}
