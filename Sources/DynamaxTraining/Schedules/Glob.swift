/// A pattern of names: `*` stands for any characters, `?` for one, and braces hold alternatives, as in
/// `*.layers.{0,1}.*`.
public struct Glob: Hashable, Sendable {
    /// The pattern as it was written.
    public let pattern: String
    private let alternatives: [[UInt8]]

    /// Reads a pattern, or nil where its braces do not match or nest.
    public init?(_ pattern: String) {
        self.pattern = pattern
        guard let alternatives = Glob.expand(Array(pattern.utf8)), alternatives.count <= 1024 else { return nil }
        self.alternatives = alternatives
    }

    private static func expand(_ pattern: [UInt8]) -> [[UInt8]]? {
        guard let open = pattern.firstIndex(of: UInt8(ascii: "{")) else {
            return pattern.contains(UInt8(ascii: "}")) ? nil : [pattern]
        }
        guard let close = pattern[open...].firstIndex(of: UInt8(ascii: "}")),
            !pattern[(open + 1)..<close].contains(UInt8(ascii: "{")), !pattern[..<open].contains(UInt8(ascii: "}")),
            let rest = expand(Array(pattern[(close + 1)...]))
        else { return nil }
        let choices = pattern[(open + 1)..<close].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard choices.count * rest.count <= 1024 else { return nil }
        return choices.flatMap { choice in rest.map { Array(pattern[..<open]) + choice + $0 } }
    }

    /// Whether the pattern fits the whole name.
    public func matches(_ name: String) -> Bool {
        let name = Array(name.utf8)
        return alternatives.contains { Glob.matches($0, name) }
    }

    /// Goes back only to the last star, so that time is at most the product of both lengths.
    private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var (p, n) = (0, 0)
        var star: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p, n)
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[n] {
                p += 1
                n += 1
            } else if let last = star {
                p = last.pattern + 1
                n = last.name + 1
                star = (last.pattern, n)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
