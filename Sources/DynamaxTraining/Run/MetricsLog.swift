import DynamaxFormats
import Foundation

/// metrics.jsonl: one JSON object a line, for each step and each evaluation.
struct MetricsLog {
    let path: String
    private(set) var records: [JSON] = []
    private let handle: FileHandle

    /// Opens the log.
    ///
    /// - Parameter step: lines of later steps are dropped, and so is a last line that was cut short: the run goes on from there.
    init(_ path: String, keepingUpTo step: Int) throws(FormatError) {
        self.path = path
        if let data = FileManager.default.contents(atPath: path) {
            for line in data.split(separator: UInt8(ascii: "\n")) {
                guard let record = try? JSON(parsing: Array(line), name: path), case .integer(let at)? = record["step"],
                    at <= step
                else { continue }
                records.append(record)
            }
        }
        try FileOutput.replace(path, with: Array(records.map { "\($0)\n" }.joined().utf8))
        guard let handle = FileHandle(forWritingAtPath: path), (try? handle.seekToEnd()) != nil else {
            throw FormatError(.inaccessible, path, "the file cannot be opened")
        }
        self.handle = handle
    }

    /// Appends a line.
    mutating func append(_ record: JSON) throws(FormatError) {
        records.append(record)
        do {
            try handle.write(contentsOf: Foundation.Data("\(record)\n".utf8))
        } catch {
            throw FormatError(.inaccessible, path, "the line cannot be written: is the disk full?")
        }
    }
}
