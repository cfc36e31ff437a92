public import DynamaxFormats
import Foundation

extension EvaluationRun {
    /// Reads a folder that `RunStore` has written, or is writing.
    ///
    /// - Throws: `FormatError` that names the file and line.
    public init(contentsOf folder: String) throws(FormatError) {
        let files = RunFiles(folder)
        self.init(
            manifest: try RunManifest(JSONNode(contentsOf: files.manifest)),
            items: try RunFiles.lines(of: files.items).lines.map { node throws(FormatError) in try RunItem(node) },
            rows: try RunFiles.lines(of: files.rows).lines.map { node throws(FormatError) in try RunRow(node) })
    }
}

/// The files of a run.
struct RunFiles {
    let folder: String
    var manifest: String { "\(folder)/run.json" }
    var items: String { "\(folder)/items.jsonl" }
    var rows: String { "\(folder)/rows.jsonl" }

    init(_ folder: String) {
        self.folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    }

    /// The whole lines of a file, and how many bytes they are: a last line without its end was cut short, and is left out.
    static func lines(of file: String) throws(FormatError) -> (lines: [JSONNode], bytes: Int) {
        // A copy rather than a map: a run that is thrown away while this reads would cut the file short.
        guard let data = FileManager.default.contents(atPath: file) else {
            throw FormatError(.missing, file, "there is no such file, or it cannot be read")
        }
        let newline = UInt8(ascii: "\n")
        let length = data.lastIndex(of: newline).map { $0 + 1 } ?? 0
        var lines: [JSONNode] = []
        for (index, line) in data[..<length].split(separator: newline, omittingEmptySubsequences: false).dropLast()
            .enumerated()
        {
            let location = "\(file), line \(index + 1)"
            lines.append(JSONNode(try JSON(parsing: Array(line), name: location), location: location))
        }
        return (lines, length)
    }
}
