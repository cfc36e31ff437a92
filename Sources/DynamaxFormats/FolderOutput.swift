#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes the folder of a model as a whole, or not at all.
public enum FolderOutput {
    /// Makes a folder whose files `body` writes; it bears its name only when `body` has returned and all is on disk.
    ///
    /// - Parameters:
    ///   - path: a folder that is not there yet, or is empty.
    ///   - force: whether the folder of another model, one with a config.json, may be replaced.
    ///   - body: writes files into the folder whose path it is given.
    /// - Throws: `FormatError` when something is in the way or the system refuses; what was there before remains.
    public static func write(_ path: String, force: Bool, _ body: (String) throws -> Void) throws {
        // A slash at the end would put what is beside the folder into it.
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let isTaken = try check(path, force: force)
        let stem = "\(path).\(UInt32.random(in: 0...UInt32.max))"
        let (part, old) = (stem + ".part", stem + ".old")
        defer { try? FileManager.default.removeItem(atPath: part) }
        guard mkdir(part, 0o777) == 0 else {
            throw FormatError(.inaccessible, path, "the folder cannot be made: \(systemMessage(errno))")
        }
        try body(part)
        try synchronize(part, for: path)
        if isTaken { try move(path, to: old, for: path) }
        do throws(FormatError) {
            try move(part, to: path, for: path)
        } catch {
            if isTaken { try move(old, to: path, for: path) }
            throw error
        }
        if isTaken { try? FileManager.default.removeItem(atPath: old) }
        try synchronize(Files.folder(of: path), for: path)
    }

    /// Whether something is at the path that has to make room.
    private static func check(_ path: String, force: Bool) throws(FormatError) -> Bool {
        guard let kind = Files.kind(path) else { return false }
        guard kind == S_IFDIR else {
            throw FormatError(.mismatch, path, "expected a folder to write, found a file")
        }
        let names = Files.names(in: path)
        guard !names.isEmpty else { return true }
        guard force else {
            throw FormatError(.mismatch, path, "the folder is there and not empty; --force replaces a model's folder")
        }
        guard names.contains("config.json"), !names.contains(where: { Files.isFolder(Files.join(path, $0)) }) else {
            throw FormatError(
                .mismatch, path, "expected a folder with a config.json and without folders, which may be replaced")
        }
        return true
    }

    private static func move(_ source: String, to target: String, for path: String) throws(FormatError) {
        guard rename(source, target) == 0 else {
            throw FormatError(.inaccessible, path, "the folder cannot be put in its place: \(systemMessage(errno))")
        }
    }

    /// Waits until the names in a folder are on disk.
    private static func synchronize(_ folder: String, for path: String) throws(FormatError) {
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw FormatError(.inaccessible, path, "the folder cannot be opened: \(systemMessage(errno))")
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw FormatError(.inaccessible, path, "the folder cannot be written: \(systemMessage(errno))")
        }
    }
}
