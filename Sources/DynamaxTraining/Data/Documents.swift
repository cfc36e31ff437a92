public import DynamaxFormats
import Foundation

/// The documents of a text file, or of all text files of a folder.
public struct Documents: Sendable {
    /// The file or folder.
    public let path: String
    /// What stands between documents; nil where each file is one document.
    public let separator: String?

    /// Takes a path, and what separates documents in a file.
    public init(path: String, separator: String? = nil) {
        self.path = path
        self.separator = separator
    }

    /// The files, in the order of their names.
    ///
    /// - Throws: `FormatError` where there is no file.
    public func files() throws(FormatError) -> [String] {
        var isFolder: Bool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw FormatError(.missing, path, "there is no such file or folder")
        }
        guard isFolder else { return [path] }
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
        let files = names.filter { $0.hasSuffix(".txt") }.map { "\(path)/\($0)" }
        guard !files.isEmpty else { throw FormatError(.missing, path, "the folder holds no .txt files") }
        return files
    }

    /// Calls `body` with each document: what lies between separators, without the white space around it. Empty ones are left
    /// out.
    ///
    /// - Throws: `FormatError` where a file is compressed or not UTF-8, and what `body` throws.
    public func forEach(_ body: (String) throws -> Void) throws {
        for file in try files() {
            let map = try MappedFile(file)
            defer { withExtendedLifetime(map) {} }
            map.expectSequentialReads()
            guard !map.bytes.starts(with: [0x1F, 0x8B]) else {
                throw FormatError(.unsupported, file, "the file is compressed with gzip, expected plain text")
            }
            var start = 0
            while start < map.size {
                let end = next(separator, in: map.bytes, from: start)
                try Documents.take(map.bytes, start..<end, file, body)
                start = end + (separator?.utf8.count ?? 0)
                if separator == nil { break }
            }
        }
    }

    /// Where the separator stands next, or the end.
    private func next(_ separator: String?, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let separator, let head = separator.utf8.first, let base = bytes.baseAddress else { return bytes.count }
        return Array(separator.utf8).withUnsafeBytes { wanted in
            var position = start
            while let found = memchr(base + position, Int32(head), bytes.count - position) {
                position = UnsafeRawPointer(found) - base
                guard wanted.count <= bytes.count - position else { break }
                if memcmp(found, wanted.baseAddress!, wanted.count) == 0 { return position }
                position += 1
            }
            return bytes.count
        }
    }

    private static func take(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ file: String, _ body: (String) throws -> Void
    ) throws {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isSpace(bytes[start]) { start += 1 }
        while end > start, isSpace(bytes[end - 1]) { end -= 1 }
        guard start < end else { return }
        guard let text = String(validating: bytes[start..<end], as: UTF8.self) else {
            throw FormatError(
                .malformed, file, "the document that begins at byte \(start) is not UTF-8, expected text in UTF-8")
        }
        try body(text)
    }
}
