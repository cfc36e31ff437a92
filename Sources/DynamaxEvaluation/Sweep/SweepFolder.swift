public import DynamaxFormats
import Foundation

/// The folder of a sweep: sweep.csv, which grows point by point, and in the end sweep.json and report.html.
public final class SweepFolder {
    public let path: String
    private let handle: FileHandle
    private var hasHeader = false
    private var table: String { "\(path)/sweep.csv" }

    /// Makes the folder and an empty table.
    ///
    /// - Parameter force: whether an earlier sweep there is to be written over.
    /// - Throws: `FormatError` where something is in the way or the system refuses.
    public init(_ path: String, force: Bool = false) throws(FormatError) {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        self.path = path
        let table = "\(path)/sweep.csv"
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            guard isFolder.boolValue else {
                throw FormatError(.mismatch, path, "expected a folder to write, found a file")
            }
            guard force || !FileManager.default.fileExists(atPath: table) else {
                throw FormatError(.mismatch, path, "the folder holds a sweep already; --force writes over it")
            }
        } else {
            do {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            } catch {
                throw FormatError(.inaccessible, path, "the folder cannot be made")
            }
        }
        try FileOutput.replace(table, with: [])
        guard let handle = FileHandle(forWritingAtPath: table) else {
            throw FormatError(.inaccessible, table, "the file cannot be opened")
        }
        self.handle = handle
    }

    /// Appends a line to the table.
    public func append(_ point: SweepPoint) throws(FormatError) {
        let fields = point.fields
        let header = hasHeader ? "" : CSV.line(fields.keys.map { .string($0) })
        hasHeader = true
        do {
            try handle.write(contentsOf: Data((header + CSV.line(fields.values)).utf8))
        } catch {
            throw FormatError(.inaccessible, table, "the line cannot be written: is the disk full?")
        }
    }

    /// Writes what is known when all points are found.
    public func finish(_ result: SweepResult, _ page: SweepPage) throws(FormatError) {
        try FileOutput.replace("\(path)/sweep.json", with: Array("\(result.json)\n".utf8))
        try FileOutput.replace("\(path)/report.html", with: Array(page.text.utf8))
    }
}

/// Comma-separated values (RFC 4180).
enum CSV {
    static func line(_ values: [JSON]) -> String {
        values.map(cell).joined(separator: ",") + "\r\n"
    }

    private static func cell(_ value: JSON) -> String {
        switch value {
        case .null: return ""
        case .string(let text):
            guard text.contains(where: { ",\"\r\n".contains($0) || $0.isNewline }) else { return text }
            return "\"" + text.replacing("\"", with: "\"\"") + "\""
        default: return "\(value)"
        }
    }
}
