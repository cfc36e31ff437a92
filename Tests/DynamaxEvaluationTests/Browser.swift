import Foundation
import TestSupport

/// Chromium without a window, where the machine has it.
enum Browser {
    static let path: String? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let paths = ["chromium", "chromium-browser", "google-chrome"].flatMap { name in folders.map { "\($0)/\(name)" }
        }
        return paths.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// What became of a page.
    struct Shown {
        /// Its elements when its program has run, as markup.
        let page: String
        /// What its program or its policy complained about.
        let complaints: [String]
    }

    /// Opens a page at a fragment such as `#task=boolq`.
    static func show(_ page: String, _ fragment: String) async throws -> Shown {
        let outcome = try await open(page, fragment, ["--dump-dom", "--enable-logging=stderr", "--v=0"]) { _ in }
        let lines = outcome.errors.split(separator: "\n").map { String($0) }
        return Shown(page: outcome.output, complaints: lines.filter { $0.contains("CONSOLE") })
    }

    /// A picture of the top of a page, as a PNG file.
    static func picture(_ page: String, width: Int, height: Int) async throws -> Data {
        var picture = Data()
        _ = try await open(
            page, "", ["--screenshot=page.png", "--hide-scrollbars", "--window-size=\(width),\(height)"]
        ) {
            picture = try Data(contentsOf: URL(fileURLWithPath: "\($0)/page.png"))
        }
        return picture
    }

    private static func open(
        _ page: String, _ fragment: String, _ options: [String], then look: (_ folder: String) throws -> Void
    ) async throws -> Program.Outcome {
        let folder = try TemporaryFolder()
        let file = try folder.write("page.html", page)
        let program = path ?? "chromium"
        let picture = options.map { $0.replacing("--screenshot=", with: "--screenshot=\(folder.path)/") }
        let outcome = try await Program.run(
            program,
            [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--user-data-dir=\(folder.path)/profile",
            ] + picture + ["file://\(file)\(fragment)"])
        try look(folder.path)
        return outcome
    }
}
