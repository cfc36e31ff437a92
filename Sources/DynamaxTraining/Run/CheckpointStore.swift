import DynamaxFormats
import Foundation

/// The checkpoints of a run, each a folder `step-00001234` with a model in Hugging Face layout and what its training
/// needs to go on.
///
/// A checkpoint is written under another name and renamed when all of it is on disk, so that whatever bears the right name is
/// whole, even if the process is killed. Each holds the digests of its files.
struct CheckpointStore {
    let folder: String

    /// Makes the folder, and removes what an interrupted run has left unfinished.
    init(_ folder: String) throws(FormatError) {
        self.folder = folder
        try CheckpointStore.makeFolder(folder)
        for name in names() where name.hasSuffix(".part") {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }

    /// The steps of all checkpoints, rising.
    var steps: [Int] {
        names().compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.sorted()
    }

    func path(_ step: Int) -> String {
        let digits = String(step)
        return "\(folder)/step-\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits)"
    }

    /// Writes a checkpoint.
    ///
    /// - Parameters:
    ///   - state: becomes trainer.json, with the digests of the files.
    ///   - body: writes files into the folder it is given.
    func write(
        _ step: Int, state: JSONObject, _ body: (String) throws -> Void
    ) throws {
        let part = path(step) + ".part"
        try? FileManager.default.removeItem(atPath: part)
        try CheckpointStore.makeFolder(part)
        do {
            try body(part)
            var digests = JSONObject()
            let written = try FileManager.default.contentsOfDirectory(atPath: part).sorted()
            for name in written { digests.set(name, .string(try SHA256.digest(ofFile: "\(part)/\(name)"))) }
            var state = state
            state.set("files", .object(digests))
            try FileOutput.replace("\(part)/trainer.json", with: Array("\(JSON.object(state))\n".utf8))
            try CheckpointStore.synchronize(part)
            // The same step may have been written before the run was broken off: then it is replaced.
            try? FileManager.default.removeItem(atPath: path(step))
            guard rename(part, path(step)) == 0 else {
                throw FormatError(.inaccessible, path(step), "the checkpoint cannot be put in its place")
            }
            try CheckpointStore.synchronize(folder)
        } catch {
            try? FileManager.default.removeItem(atPath: part)
            throw error
        }
    }

    /// Lets `name`, a link beside the checkpoints, lead to one of them.
    func link(_ name: String, to step: Int) throws(FormatError) {
        let temporary = "\(folder)/\(name).part"
        try? FileManager.default.removeItem(atPath: temporary)
        let target = (path(step) as NSString).lastPathComponent
        guard symlink(target, temporary) == 0, rename(temporary, "\(folder)/\(name)") == 0 else {
            throw FormatError(.inaccessible, "\(folder)/\(name)", "the link cannot be made")
        }
    }

    /// Removes all checkpoints up to a step but the last `count` and the best.
    ///
    /// Later ones are damaged, as the run was resumed before them: they must not count.
    func prune(keeping count: Int, upTo last: Int, best: Int?) {
        for step in steps.filter({ $0 <= last }).dropLast(count) where step != best {
            // Renamed first: a half-removed folder must not bear the name of a checkpoint.
            let part = path(step) + ".part"
            if rename(path(step), part) == 0 { try? FileManager.default.removeItem(atPath: part) }
        }
    }

    /// The last checkpoint whose files are as they were written, with its trainer.json.
    ///
    /// - Parameter skipped: called with a sentence for each later checkpoint that is damaged.
    func lastSound(skipped: (String) -> Void) -> (step: Int, path: String, state: JSONNode)? {
        for step in steps.reversed() {
            do throws(FormatError) {
                let state = try JSONNode(contentsOf: "\(path(step))/trainer.json")
                for (name, digest) in try state.object("files") {
                    guard case .string(let expected) = digest,
                        try SHA256.digest(ofFile: "\(path(step))/\(name)") == expected
                    else {
                        throw FormatError(
                            .mismatch, "\(path(step))/\(name)", "the file has changed since it was written")
                    }
                }
                return (step, path(step), state)
            } catch {
                skipped("\(error)")
            }
        }
        return nil
    }

    private func names() -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    static func makeFolder(_ path: String) throws(FormatError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw FormatError(.inaccessible, path, "the folder cannot be made")
        }
    }

    /// Waits until the names in a folder are on disk.
    private static func synchronize(_ folder: String) throws(FormatError) {
        let descriptor = open(folder, O_RDONLY)
        guard descriptor >= 0 else { throw FormatError(.inaccessible, folder, "the folder cannot be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FormatError(.inaccessible, folder, "the folder cannot be written") }
    }
}
