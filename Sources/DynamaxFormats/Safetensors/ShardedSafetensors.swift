/// The tensors of a model that is spread over several safetensors files, by way of `model.safetensors.index.json`.
public struct ShardedSafetensors: TensorSource {
    /// The index file.
    public let location: String
    private let shards: [SafetensorsFile]
    private let shardOfTensor: NameTable<Int>

    /// Reads an index file, opens all files it names, beside it, and checks that each tensor is where the index says.
    public init(index path: String) throws(FormatError) {
        location = path
        let map = try JSONNode(contentsOf: path).node("weight_map")
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        var shards: [SafetensorsFile] = []
        var numbers: [String: Int] = [:]
        var shardOfTensor = NameTable<Int>()
        for (name, value) in try map.object() {
            let file = try JSONNode(value, location: path, path: "weight_map.\(name)").string()
            if numbers[file] == nil {
                guard !file.contains("/"), !file.contains("\0"), file != "..", !file.isEmpty else {
                    throw FormatError(
                        .malformed, path, "the field weight_map.\(name) must name a file beside the index")
                }
                numbers[file] = shards.count
                shards.append(try SafetensorsFile(folder + file))
            }
            let number = numbers[file]!
            guard shards[number].tensor(name) != nil else {
                throw FormatError(
                    .missing, folder + file, "the tensor \(name), which the index expects here, is missing")
            }
            shardOfTensor.set(name, number)
        }
        self.shards = shards
        self.shardOfTensor = shardOfTensor
    }

    /// The names of all tensors, in the order of the index.
    public var tensorNames: [String] { shardOfTensor.names }

    /// The tensor of a name, or nil where there is none.
    public func tensor(_ name: String) -> RawTensor? {
        shardOfTensor[name].flatMap { shards[$0].tensor(name) }
    }
}
