public import Foundation

/// Small files made from other implementations and committed with the scripts that make them, under `Tests/Fixtures`.
public enum Fixtures {
    /// The location of a fixture.
    public static func url(_ path: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures").appendingPathComponent(path)
    }
}
