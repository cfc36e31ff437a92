public import Foundation

/// Reference files that are not part of the package: checkpoints with the answers of other implementations, tokenizers.
///
/// They lie in the folder `shared` beside the package, or where the environment variable `DYNAMAX_SHARED` says. Tests
/// that need one say so with `.enabled(if: Shared.has("…"))` and are skipped where it is absent.
public enum Shared {
    /// The folder itself, whether or not it exists.
    public static let folder: URL =
        if let path = ProcessInfo.processInfo.environment["DYNAMAX_SHARED"] {
            URL(fileURLWithPath: path)
        } else {
            URL(fileURLWithPath: #filePath).deletingLastPathComponent()  // TestSupport
                .deletingLastPathComponent().deletingLastPathComponent()  // Tests, package
                .deletingLastPathComponent().appendingPathComponent("shared")
        }

    /// The location of a file or folder in it.
    public static func url(_ path: String) -> URL { folder.appendingPathComponent(path) }

    /// Whether a file or folder is there.
    public static func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: url(path).path) }
}
