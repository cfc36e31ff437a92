import DynamaxFormats
import DynamaxModels
import DynamaxTensor
import Foundation

/// What `inspect` says about a model.
struct InspectionReport: Encodable {
    struct TensorReport: Encodable {
        let name: String
        let type: String
        let shape: [Int]
    }

    let model: String
    let family: String
    let supported: Bool
    let layers: Int?
    let width: Int?
    let vocabulary: Int?
    let context: Int?
    let parameters: Int
    let bytes: Int
    /// Bytes by type of number.
    let types: [String: Int]
    let tokenizer: String?
    let tensors: [TensorReport]?

    init(_ files: CheckpointFiles, listsTensors: Bool) throws {
        let source = try files.tensors()
        let all = try InspectionReport.parameters(source)
        let summary = try ModelSummary(files)
        model = files.name
        family = summary.family
        supported = summary.isSupported
        layers = summary.layers
        width = summary.width
        vocabulary = summary.vocabulary
        context = summary.context
        parameters = all.reduce(0) { $0 + $1.tensor.shape.reduce(1, *) }
        bytes = all.reduce(0) { $0 + $1.bytes }
        types = Dictionary(all.map { ($0.tensor.type, $0.bytes) }, uniquingKeysWith: +)
        let tokenizerFile = (files.tokenizerJSON ?? files.sentencePieceModel).map { ($0 as NSString).lastPathComponent }
        tokenizer = files.gguf != nil ? "in the file" : tokenizerFile
        tensors = listsTensors ? all.map(\.tensor) : nil
    }

    /// The parameters of a model, with the bytes of each. What is packed counts as the matrix that it stands for.
    private static func parameters(_ source: any TensorSource) throws -> [(tensor: TensorReport, bytes: Int)] {
        let packed = try source.packedTensors()
        var matrices: [String: (TensorReport, Int)] = [:]
        var others: Set<String> = []
        for name in packed?.names ?? [] {
            guard let matrix = packed?.tensor(name) else { continue }
            let report = TensorReport(
                name: name, type: matrix.layout.format.description, shape: [matrix.rows, matrix.columns])
            matrices[matrix.weights.name] = (report, matrix.layout.weightBytes + matrix.layout.scaleBytes)
            others.insert(matrix.scales.name)
        }
        return try source.tensorNames.compactMap { name in
            if let matrix = matrices[name] { return matrix }
            guard !others.contains(name), let tensor = try source.tensor(name) else { return nil }
            return (TensorReport(name: name, type: tensor.type.rawValue, shape: tensor.shape), tensor.bytes.count)
        }
    }

    var text: String {
        func row(_ name: String, _ value: String?) -> String? {
            value.map { name.padding(toLength: 12, withPad: " ", startingAt: 0) + $0 }
        }
        let kinds = types.sorted { $0.value > $1.value }
            .map { "\($0.key) \(byteCount($0.value))" }
        let rows = [
            row("model", model),
            row("family", family + (supported ? "" : " (not supported)")),
            row("parameters", parameters.formatted()),
            row("layers", layers.map(String.init)),
            row("width", width.map(String.init)),
            row("vocabulary", vocabulary.map(String.init)),
            row("context", context.map(String.init)),
            row("weights", kinds.joined(separator: ", ")),
            row("tokenizer", tokenizer ?? "none"),
        ]
        let list = (tensors ?? []).map {
            $0.name.padding(toLength: max(52, $0.name.count + 1), withPad: " ", startingAt: 0)
                + $0.type.padding(toLength: 10, withPad: " ", startingAt: 0) + "\($0.shape)"
        }
        return (rows.compactMap { $0 } + list).joined(separator: "\n")
    }
}
