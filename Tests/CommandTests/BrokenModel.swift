import Foundation
import TestSupport

/// A copy of a small reference checkpoint, to be broken.
struct BrokenModel {
    private let folder: TemporaryFolder
    var path: String { folder.path }

    init(_ reference: String = "llama-gqa") throws {
        try self.init(at: ReferenceModel.named(reference).folder)
    }

    init(at original: URL) throws {
        folder = try TemporaryFolder()
        for name in ["config.json", "model.safetensors"] {
            try folder.write(name, Data(contentsOf: original.appendingPathComponent(name)))
        }
    }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws { try folder.write(name, bytes) }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

    /// Puts a folder where a file was.
    func replaceByFolder(_ name: String) throws {
        try remove(name)
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }

    /// Puts a link to nowhere where a file was.
    func replaceByDanglingLink(_ name: String) throws {
        try remove(name)
        try FileManager.default.createSymbolicLink(
            atPath: "\(path)/\(name)", withDestinationPath: "/nonexistent/\(name)")
    }

    /// Sets a field of config.json to a value in JSON, or removes it.
    func configure(_ field: String, json: String?) throws {
        var fields = try configuration()
        fields[field] = nil
        var text = String(decoding: try JSONSerialization.data(withJSONObject: fields), as: UTF8.self)
        // Spelled by hand, since a value may be none that Foundation writes, such as NaN.
        if let json { text = "{\"\(field)\": \(json), " + text.dropFirst() }
        try folder.write("config.json", text)
    }

    func configure(_ field: String, _ text: String) throws { try configure(field, json: "\"\(text)\"") }

    private func configuration() throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(path)/config.json"))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    /// Changes the header and data of model.safetensors.
    func rewriteTensors(_ change: (inout [String: Any], inout Data) throws -> Void) throws {
        let file = URL(fileURLWithPath: "\(path)/model.safetensors")
        let bytes = try Data(contentsOf: file)
        let length = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        var header = try JSONSerialization.jsonObject(with: bytes[8..<8 + length]) as? [String: Any] ?? [:]
        var data = Data(bytes[(8 + length)...])
        try change(&header, &data)
        let text = try JSONSerialization.data(withJSONObject: header)
        let count = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) }
        try (count + text + data).write(to: file)
    }

    /// Changes what the header says of one tensor.
    func rewriteTensor(_ name: String, _ change: (inout [String: Any]) -> Void) throws {
        try rewriteTensors { header, _ in
            var entry = header[name] as? [String: Any] ?? [:]
            change(&entry)
            header[name] = entry
        }
    }

    /// Keeps the first bytes of a file, or leaves out so many at its end.
    func cut(_ name: String, _ count: Int) throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
        try folder.write(name, count < 0 ? bytes.dropLast(-count) : bytes.prefix(count))
    }
}
