#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file while it is written.
public struct FileOutput: ~Copyable {
    private let descriptor: Int32
    private let path: String

    /// Writes a file through `body`; one that was there is replaced only when `body` has returned and all is on disk.
    ///
    /// A device or pipe, such as `/dev/stdout`, is written to as it is.
    ///
    /// - Throws: `FormatError` when the system refuses, for example because the disk is full; what was there before remains.
    public static func replace(
        _ path: String, _ body: (inout FileOutput) throws(FormatError) -> Void
    ) throws(FormatError) {
        let kind = Files.kind(path) ?? S_IFREG
        guard kind != S_IFDIR else { throw FormatError(.mismatch, path, "expected a file to write, found a folder") }
        guard kind == S_IFREG else {
            var output = try FileOutput(path, named: path, flags: 0)
            try body(&output)
            return
        }
        let temporary = "\(path).\(UInt32.random(in: 0...UInt32.max)).part"
        do throws(FormatError) {
            // The braces end the life of `output`, which closes the file, before it is renamed.
            do {
                var output = try FileOutput(temporary, named: path, flags: O_CREAT | O_EXCL)
                try body(&output)
                guard fsync(output.descriptor) == 0 else { throw output.failure(errno) }
            }
            guard rename(temporary, path) == 0 else {
                throw FormatError(.inaccessible, path, "the file cannot be replaced: \(systemMessage(errno))")
            }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Writes a file of these bytes, as `replace(_:_:)` does.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(FormatError) {
        try replace(path) { output throws(FormatError) in try output.write(bytes) }
    }

    private init(_ file: String, named path: String, flags: Int32) throws(FormatError) {
        descriptor = open(file, O_WRONLY | O_CLOEXEC | flags, 0o666)
        self.path = path
        guard descriptor >= 0 else {
            throw errno == ENOENT
                ? FormatError(.missing, path, "the file cannot be made: its folder is missing")
                : FormatError(.inaccessible, path, "the file cannot be made: \(systemMessage(errno))")
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Appends bytes.
    public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            // Systems write less than 2 GiB at a time.
            #if canImport(Glibc)
                let written = Glibc.write(descriptor, base, min(rest.count, 1 << 30))
            #elseif canImport(Musl)
                let written = Musl.write(descriptor, base, min(rest.count, 1 << 30))
            #elseif canImport(Darwin)
                let written = Darwin.write(descriptor, base, min(rest.count, 1 << 30))
            #endif
            if written < 0 {
                if errno == EINTR { continue }
                throw failure(errno)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    /// Appends bytes.
    public mutating func write(_ bytes: [UInt8]) throws(FormatError) {
        try bytes.withUnsafeBufferPointer { buffer throws(FormatError) in try write(UnsafeRawBufferPointer(buffer)) }
    }

    private func failure(_ number: Int32) -> FormatError {
        number == ENOSPC || number == EDQUOT
            ? FormatError(.inaccessible, path, "the file cannot be written: the disk is full")
            : FormatError(.inaccessible, path, "the file cannot be written: \(systemMessage(number))")
    }
}
