public import DynamaxFormats
import Foundation

/// A small model that comes with Dynamax: it is a resource of this library.
///
/// Its files lie in a folder that the package manager puts beside the program, `dynamax_DynamaxBundledModels.resources` (on Apple
/// platforms `.bundle`, perhaps among the resources of an app). Where the program is copied, that folder goes with it.
public enum BundledModel: String, CaseIterable, Sendable {
    /// A Llama of 8 layers that writes stories for children.
    case storiesLlama = "stories-llama"
    /// A Mamba 2 that writes stories for children.
    case storiesMamba2 = "stories-mamba2"

    /// The one that is taken where none is named.
    public static let standard = storiesLlama

    /// All names, as a sentence lists them.
    public static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// The folder of the model's files, in Hugging Face layout.
    ///
    /// - Throws: `FormatError` that says where it was looked for.
    public func folder() throws(FormatError) -> String {
        let folders = BundledModel.resourceFolders
        let manager = FileManager.default
        for folder in folders {
            let path = "\(folder)/Models/\(rawValue)"
            if manager.fileExists(atPath: path) { return path }
        }
        let found = folders.filter { manager.fileExists(atPath: $0) }
        throw FormatError(
            .missing, rawValue,
            found.isEmpty
                ? "the models that come with Dynamax are missing, looked for \(folders.joined(separator: " and "))"
                : "the model that comes with Dynamax is missing in \(found.joined(separator: " and "))")
    }

    /// Where the package manager may have put the resources. What it generates itself to find them ends the process where they
    /// are missing, and has the path of the machine that built the program in it.
    private static var resourceFolders: [String] {
        #if canImport(Darwin)
            let name = "dynamax_DynamaxBundledModels.bundle"
            let places = [Bundle.main.resourceURL, Bundle(for: Anchor.self).resourceURL, Bundle.main.bundleURL]
            let inside = "/Contents/Resources"
        #else
            let name = "dynamax_DynamaxBundledModels.resources"
            let places = [Bundle.main.bundleURL]
            let inside = ""
        #endif
        // A link to the program may lie elsewhere.
        let program = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
        var folders: [String] = []
        for place in [program] + places {
            guard let path = place?.appendingPathComponent(name).path else { continue }
            for folder in Set([path, path + inside]).sorted() where !folders.contains(folder) { folders.append(folder) }
        }
        return folders
    }

    #if canImport(Darwin)
        private final class Anchor {}
    #endif
}

extension CheckpointFiles {
    /// Finds the files of a model that comes with Dynamax.
    public init(_ model: BundledModel) throws(FormatError) {
        try self.init(folder: model.folder(), named: model.rawValue)
    }

    /// Finds the files of a model by what a user calls it: a path that exists, else the name of a model that comes with
    /// Dynamax, else a name in the Hugging Face cache.
    public init(named name: String, cache: HubCache = .standard) throws(FormatError) {
        if let model = BundledModel(rawValue: name), !FileManager.default.fileExists(atPath: name) {
            try self.init(model)
            return
        }
        do throws(FormatError) {
            try self.init(name, cache: cache)
        } catch  where error.kind == .missing && error.location == name {
            throw FormatError(
                .missing, name, "\(error.problem); the models that come with Dynamax are \(BundledModel.names)")
        }
    }
}
