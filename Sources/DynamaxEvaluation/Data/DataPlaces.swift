public import DynamaxFormats
import Foundation

/// Where the documents of tasks are looked for: in files and folders that were named, or else in the hub's cache.
///
/// `TASK=FILE` or `TASK=FILE,EXAMPLES` says it for one task. A folder is searched for a file with the name of the task, or
/// the part of the name before `_`, followed perhaps by more words, such as the split: `arc_easy.jsonl`, `triviaqa_dev.jsonl`.
public struct DataPlaces: Sendable {
    private var explicit: [String: (file: String, examples: String?)] = [:]
    private var files: [String] = []
    private let places: [String]

    /// Takes what was named; nothing for the hub's cache.
    ///
    /// - Throws: `FormatError` where a file or folder is not there.
    public init(_ places: [String]) throws(FormatError) {
        self.places = places
        for place in places {
            if let mark = place.firstIndex(of: "="), !FileManager.default.fileExists(atPath: place) {
                let name = String(place[..<mark])
                let parts = place[place.index(after: mark)...].split(separator: ",").map(String.init)
                guard (1...2).contains(parts.count), TaskCatalogue.all.contains(where: { $0.name == name }) else {
                    throw FormatError(.missing, place, "expected TASK=FILE or TASK=FILE,EXAMPLES with a known task")
                }
                explicit[name] = (parts[0], parts.count > 1 ? parts[1] : nil)
                continue
            }
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else {
                throw FormatError(.missing, place, "there is no such file or folder of data")
            }
            guard isFolder.boolValue else {
                files.append(place)
                continue
            }
            let folder = place.hasSuffix("/") ? String(place.dropLast()) : place
            let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
            files += names.filter(DataPlaces.isData).sorted().map { "\(folder)/\($0)" }
        }
    }

    /// The documents of a task.
    ///
    /// - Throws: `FormatError` where they are not there, or there are several that they may be.
    public func documents(of task: any EvaluationTask) throws(FormatError) -> TaskData {
        if let (file, examples) = explicit[task.name] {
            return try TaskData(contentsOf: file, examples: examples)
        }
        let candidates = candidates(for: task)
        if !candidates.isEmpty {
            return try TaskData(
                contentsOf: one(of: candidates, task, split: task.dataset?.split),
                examples: task.dataset?.exampleSplit.flatMap { split throws(FormatError) in
                    try examples(in: candidates, task, split: split)
                })
        }
        if places.isEmpty, let dataset = task.dataset { return try TaskData(dataset) }
        // A file that was named alone is meant, whatever its name.
        if places.count == 1, files.count == 1, files == places { return try TaskData(contentsOf: files[0]) }
        throw FormatError(
            .missing, places.first ?? task.name,
            places.isEmpty
                ? "the task reads any text, so that --data has to name a file"
                : "there is no file of documents for \(task.name) here; --data \(task.name)=FILE names one")
    }

    private func examples(
        in candidates: [String], _ task: any EvaluationTask, split: String
    ) throws(FormatError) -> String? {
        let found = candidates.filter { DataPlaces.splits(of: $0).contains(split) }
        return try found.isEmpty ? nil : one(of: found, task, split: split)
    }

    private func one(
        of candidates: [String], _ task: any EvaluationTask, split: String?
    ) throws(FormatError) -> String {
        let ofSplit = candidates.filter { file in split.map { DataPlaces.splits(of: file).contains($0) } ?? false }
        let ofNone = candidates.filter { DataPlaces.splits(of: $0).isEmpty }
        let found = !ofSplit.isEmpty ? ofSplit : !ofNone.isEmpty ? ofNone : candidates
        guard found.count == 1 else {
            throw FormatError(
                .mismatch, found[0],
                "this may be the documents of \(task.name), and so may \(found[1]); --data \(task.name)=FILE names one")
        }
        return found[0]
    }

    /// Files that begin with the name of a task, or the longest part of it that any begins with.
    private func candidates(for task: any EvaluationTask) -> [String] {
        let others = TaskCatalogue.all.filter { $0.name != task.name }.map { DataPlaces.plain($0.name) }
        let parts = task.name.split(separator: "_")
        for count in stride(from: parts.count, to: 0, by: -1) {
            let key = parts[..<count].joined()
            let found = files.filter { file in
                let stem = DataPlaces.plain(DataPlaces.stem(file))
                let isAnothers = count < parts.count && others.contains { $0 != key && stem.hasPrefix($0) }
                return stem.hasPrefix(key) && !isAnothers
            }
            if !found.isEmpty { return found }
        }
        return []
    }

    private static func isData(_ name: String) -> Bool {
        [".jsonl", ".json", ".csv", ".txt"].contains { name.lowercased().hasSuffix($0) }
    }

    private static func stem(_ file: String) -> String {
        let name = file.split(separator: "/").last.map(String.init) ?? file
        return name.firstIndex(of: ".").map { String(name[..<$0]) } ?? name
    }

    private static func plain(_ name: String) -> String {
        String(name.lowercased().filter { $0.isLetter || $0.isNumber })
    }

    /// The splits that a file's name speaks of.
    private static func splits(of file: String) -> Set<String> {
        let words = Set(stem(file).lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init))
        return Set(
            ["train", "validation", "test"].filter { split in
                DatasetFiles.words(of: split).contains { words.contains($0) }
            })
    }
}
