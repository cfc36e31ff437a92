import Foundation

/// Prints text on standard output at once.
///
/// - Throws: `StreamError` when it cannot be written, so that half a text is never taken for the whole.
func write(_ text: String) throws {
    do {
        try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
        throw StreamError.output(error)
    }
}

/// Prints a line on standard error; where nobody listens, it is lost.
func note(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
}

/// The text on standard input.
func standardInputText() throws -> String {
    if isatty(STDIN_FILENO) == 1 { note("Reading from the terminal: end the text with control-D.") }
    let data: Data
    do {
        data = try FileHandle.standardInput.readToEnd() ?? Data()
    } catch {
        throw StreamError.input(error)
    }
    guard let text = String(validating: data, as: UTF8.self) else { throw StreamError.notUTF8 }
    return text
}

/// Why standard input or output cannot be used.
enum StreamError: Error, CustomStringConvertible {
    case input(any Error)
    case output(any Error)
    case notUTF8

    var description: String {
        switch self {
        case .input(let error): "standard input cannot be read: \(StreamError.reason(error))"
        case .output(let error): "standard output cannot be written: \(StreamError.reason(error))"
        case .notUTF8: "standard input is not text in UTF-8"
        }
    }

    /// The system's words, which Foundation hides below its own.
    private static func reason(_ error: any Error) -> String {
        let outer = error as NSError
        let cause = outer.userInfo[NSUnderlyingErrorKey] as? NSError ?? outer
        return cause.domain == NSPOSIXErrorDomain
            ? String(cString: strerror(Int32(cause.code))) : cause.localizedDescription
    }
}
