/// Why a file, or a field of one, cannot be used.
///
/// Its description is one sentence that begins with the file, names the field and says what was expected.
public struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of obstacle it is, for callers that can do something about some of them.
    public enum Kind: Hashable, Sendable {
        /// The file, field or tensor is not there.
        case missing
        /// The system refused to read or write the file.
        case inaccessible
        /// The file breaks the rules of its format.
        case malformed
        /// The file is sound, but uses something that Dynamax does not know.
        case unsupported
        /// The file is sound, but not what the caller needs: another type, another shape.
        case mismatch
    }

    /// What kind of obstacle it is.
    public let kind: Kind
    /// The file as the user named it.
    public let location: String
    /// The rest of the sentence, without a full stop.
    public let problem: String

    /// Makes an error whose description is "`location`: `problem`".
    ///
    /// The problem may quote names from a hostile file: control characters, which a terminal would obey, become U+FFFD, and
    /// what is very long is cut.
    public init(_ kind: Kind, _ location: String, _ problem: String) {
        self.kind = kind
        self.location = location
        let scalars = problem.unicodeScalars.prefix(FormatError.longest).map { scalar in
            scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar
        }
        self.problem =
            String(String.UnicodeScalarView(scalars)) + (problem.unicodeScalars.count > FormatError.longest ? "…" : "")
    }

    private static let longest = 1000

    /// The whole sentence.
    public var description: String { "\(location): \(problem)" }
}
