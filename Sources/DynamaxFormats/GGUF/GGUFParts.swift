/// The tensors of a model that was split into several GGUF files, named `NAME-00001-of-00003.gguf` and so on.
///
/// The first part holds the metadata of the model.
public struct GGUFParts: TensorSource {
    /// The first file.
    public let location: String
    private let parts: [GGUFFile]
    private let partOfTensor: NameTable<Int>

    /// Opens the other parts, beside the first.
    public init(first: GGUFFile) throws(FormatError) {
        location = first.location
        let count = try GGUFParts.count(first)
        var parts = [first]
        for number in 1..<count {
            guard let path = GGUFParts.name(of: number, count: count, like: location) else {
                throw FormatError(
                    .mismatch, location,
                    "the name of the first of \(count) parts must end in "
                        + "\(GGUFParts.ending(of: 0, count: count))")
            }
            let part = try GGUFFile(path)
            guard try GGUFParts.count(part) == count, try GGUFParts.number(part) == number else {
                throw FormatError(.mismatch, path, "expected part \(number + 1) of \(count) of a model")
            }
            parts.append(part)
        }
        var partOfTensor = NameTable<Int>()
        for (number, part) in parts.enumerated() {
            for name in part.tensorNames where !partOfTensor.set(name, number) {
                throw FormatError(.malformed, part.location, "the tensor \(name) is in another part too")
            }
        }
        self.parts = parts
        self.partOfTensor = partOfTensor
    }

    /// The names of all tensors, in the order of the files.
    public var tensorNames: [String] { partOfTensor.names }

    /// The tensor of a name, or nil where there is none.
    public func tensor(_ name: String) throws(FormatError) -> RawTensor? {
        guard let number = partOfTensor[name] else { return nil }
        return try parts[number].tensor(name)
    }

    /// How many parts the model of a file has.
    static func count(_ file: GGUFFile) throws(FormatError) -> Int {
        let count = try file.metadata.optionalInt("split.count") ?? 1
        guard (0...9999).contains(count) else { throw file.metadata.expected("a number of files", "split.count") }
        return max(count, 1)
    }

    /// Which part a file is, from 0.
    static func number(_ file: GGUFFile) throws(FormatError) -> Int {
        try file.metadata.optionalInt("split.no") ?? 0
    }

    /// The path of a part, from the path of any part of the same model; nil where that path is not of this form.
    static func name(of number: Int, count: Int, like path: String) -> String? {
        let ending = ending(of: 0, count: count)
        guard path.utf8.count > ending.utf8.count else { return nil }
        let stem = path.dropLast(ending.count)
        let digits = path.dropFirst(stem.count + 1).prefix(5)
        guard let given = Int(digits), path == stem + self.ending(of: given - 1, count: count) else { return nil }
        return stem + self.ending(of: number, count: count)
    }

    private static func ending(of number: Int, count: Int) -> String {
        func digits(_ number: Int) -> String {
            String(repeating: "0", count: max(0, 5 - "\(number)".count)) + "\(number)"
        }
        return "-\(digits(number + 1))-of-\(digits(count)).gguf"
    }
}
