public import DynamaxFormats
import Foundation

/// The folder of a run while it is written: run.json (the manifest), items.jsonl (what is asked, once for all policies) and
/// rows.jsonl (what came of it), to which one line is appended for each row.
///
/// Lines of JSON rather than a database: nothing has to be linked, everything can read them, two runs can be told apart by `diff`,
/// and as each line is one `write`, a last line cut short is all that a process can leave which is killed. A run that is
/// opened again goes on where it ended. One process at a time may write.
public final class RunStore {
    public let path: String
    /// Rows that are there.
    public private(set) var done: Set<RunRow.Key> = []
    private let files: RunFiles
    private let descriptor: Int32

    /// Opens the folder of a run, or makes it.
    ///
    /// - Parameters:
    ///   - path: the folder; the one above it must be there.
    ///   - manifest: what the run is about.
    ///   - items: what it asks.
    ///   - force: whether a run that is there is thrown away.
    /// - Throws: `FormatError` where the folder holds another run, another process writes to it, or the system refuses.
    public init(_ path: String, manifest: RunManifest, items: [RunItem], force: Bool = false) throws(FormatError) {
        files = RunFiles(path)
        self.path = files.folder
        try RunStore.makeFolder(self.path)
        descriptor = open(files.rows, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw FormatError(
                .inaccessible, files.rows, "the file cannot be opened: \(String(cString: strerror(errno)))")
        }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            throw FormatError(.inaccessible, self.path, "another process is writing to this run")
        }
        // The manifest is written last, so that a folder without one holds no run yet.
        if !force, FileManager.default.fileExists(atPath: files.manifest) {
            try resume(manifest)
        } else {
            try truncate(to: 0)
            try FileOutput.replace(files.items, with: Array(items.map { "\($0.json)\n" }.joined().utf8))
            try FileOutput.replace(files.manifest, with: Array("\(manifest.json)\n".utf8))
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Appends a row that is not there yet.
    public func append(_ row: RunRow) throws(FormatError) {
        precondition(!done.contains(row.key), "the run holds \(row.key) already")
        let line = Array("\(row.json)\n".utf8)
        let written = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written == line.count else {
            throw FormatError(
                .inaccessible, files.rows,
                written < 0
                    ? "the line cannot be written: \(String(cString: strerror(errno)))"
                    : "the line cannot be written: is the disk full?")
        }
        done.insert(row.key)
    }

    private func resume(_ manifest: RunManifest) throws(FormatError) {
        let present = try RunManifest(JSONNode(contentsOf: files.manifest))
        if let difference = present.difference(from: manifest) {
            throw FormatError(
                .mismatch, path, "the folder holds a run of \(difference): choose another, or --force to begin anew")
        }
        let (lines, length) = try RunFiles.lines(of: files.rows)
        try truncate(to: length)
        for line in lines { done.insert(try RunRow(line).key) }
    }

    private func truncate(to length: Int) throws(FormatError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else {
            throw FormatError(
                .inaccessible, files.rows, "the file cannot be cut: \(String(cString: strerror(errno)))")
        }
    }

    private static func makeFolder(_ path: String) throws(FormatError) {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            guard isFolder.boolValue else {
                throw FormatError(.mismatch, path, "expected a folder to write, found a file")
            }
            return
        }
        guard mkdir(path, 0o777) == 0 else {
            throw FormatError(
                .inaccessible, path, "the folder cannot be made: \(String(cString: strerror(errno)))")
        }
    }
}
