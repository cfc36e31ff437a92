public import DynamaxFormats
import Foundation

extension TaskData {
    /// Finds a task's documents in the cache of the Hugging Face hub, and those that solved examples are drawn from.
    ///
    /// Files of JSON, JSON lines and CSV are read; many data sets hold parquet files only, which are not.
    ///
    /// - Throws: `FormatError` that says where it was looked for and what was found there.
    public init(_ source: DatasetSource, in cache: HubCache = .standard) throws(FormatError) {
        let folder = try cache.snapshot(source.repository, of: .dataset)
        let files = ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []).sorted()
        func read(_ split: String) throws(FormatError) -> [JSONNode]? {
            var documents: [JSONNode] = []
            for file in DatasetFiles.find(files, split: split, configuration: source.configuration) {
                documents += try DataFile.documents("\(folder)/\(file)")
            }
            return documents.isEmpty ? nil : documents
        }
        guard let documents = try read(source.split) else {
            let hasParquet = files.contains { $0.hasSuffix(".parquet") }
            throw FormatError(
                .missing, folder,
                "no file of JSON, JSON lines or CSV for the split \(source.split)"
                    + (hasParquet ? ", only parquet, which is not read" : "") + "; name a file of documents with --data"
            )
        }
        self.init(
            documents: documents,
            examples: try source.exampleSplit.flatMap { split throws(FormatError) in try read(split) })
    }
}

/// Which files of a data set hold a split.
enum DatasetFiles {
    /// The words by which names of files speak of a split.
    static func words(of split: String) -> [String] {
        ["validation": ["validation", "valid", "val", "dev"]][split] ?? [split]
    }

    /// The files of a split, in order: those that name the configuration where any does, of the first kind that there is.
    static func find(_ files: [String], split: String, configuration: String?) -> [String] {
        let names = words(of: split)
        let ofSplit = files.filter { file in
            let words = file.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
            return names.contains { words.contains($0) }
        }
        let ofConfiguration = configuration.map { name in
            ofSplit.filter { $0.lowercased().contains(name.lowercased()) }
        }
        let candidates = ofConfiguration.flatMap { $0.isEmpty ? nil : $0 } ?? ofSplit
        for suffix in [".jsonl", ".json", ".csv"] {
            let found = candidates.filter { $0.lowercased().hasSuffix(suffix) }
            if !found.isEmpty { return found }
        }
        return []
    }
}
