public import DynamaxDepth
import DynamaxFormats
import Foundation

/// A policy as users type it: `off`, `softmax:0.9`, `exact:softmax:0.8:drafts=4`, `margin:0.3:state=copy:layers=4,6`, `bounded:FILE`.
///
/// An exit alone decides what is written and scored, which is the guarantee `none`.
public struct PolicySpecification: Hashable, Sendable {
    /// What it is called: the text, without `none:`.
    public let name: String
    public let guarantee: Guarantee
    /// What is between the guarantee and the options: an exit, or the file of a certificate; nil for `off`.
    public let exit: String?
    /// Layers after which to look; nil for those that the exit has by itself.
    public let layers: [Int]?
    public let state: StateRule
    /// Tokens drafted before they are verified; nil for as many as pay by the clock, so that layers and costs, though not
    /// texts, differ a little from run to run.
    public let drafts: Int?

    /// The full model.
    public static let off = PolicySpecification(
        name: "off", .off, exit: nil, layers: nil, state: .deferred, drafts: nil)

    private init(
        name: String, _ guarantee: Guarantee, exit: String?, layers: [Int]?, state: StateRule, drafts: Int?
    ) {
        (self.name, self.guarantee, self.exit) = (name, guarantee, exit)
        (self.layers, self.state, self.drafts) = (layers, state, drafts)
    }

    /// Reads a policy.
    ///
    /// - Throws: `EvaluationError.policy`, or `ExitError` about its exit.
    public init(_ text: String) throws {
        guard text != "off" else {
            self = .off
            return
        }
        var rest = text[...]
        var options: [String: String] = [:]
        while let colon = rest.lastIndex(of: ":") {
            let option = rest[rest.index(after: colon)...].split(separator: "=", maxSplits: 1).map(String.init)
            guard option.count == 2, ["state", "layers", "drafts"].contains(option[0]) else { break }
            guard options.updateValue(option[1], forKey: option[0]) == nil else { throw EvaluationError.policy(text) }
            rest = rest[..<colon]
        }
        /// An option where it is given and can be read.
        func option<Value>(_ name: String, _ read: (String) -> Value?) throws -> Value? {
            guard let spelling = options[name] else { return nil }
            guard let value = read(spelling) else { throw EvaluationError.policy(text) }
            return value
        }
        let state = try option("state") { StateRule(rawValue: $0) } ?? .deferred
        let drafts = try option("drafts") { Int($0).flatMap { (1...64).contains($0) ? $0 : nil } }
        let layers = try option("layers") { spelling in
            let numbers = spelling.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            return numbers.contains(nil) ? nil : numbers.compactMap(\.self)
        }
        var guarantee = Guarantee.none
        for named in Guarantee.allCases where rest.hasPrefix("\(named.rawValue):") {
            guarantee = named
            rest = rest.dropFirst(named.rawValue.count + 1)
            break
        }
        guard guarantee != .off, !rest.isEmpty else { throw EvaluationError.policy(text) }
        if guarantee == .bounded {
            guard layers == nil else { throw EvaluationError.policy(text) }
        } else {
            guard rest.contains(":") else { throw EvaluationError.policy(text) }
            _ = try ExitSpecification(String(rest))
        }
        guard state == .deferred || guarantee == .none, drafts == nil || guarantee == .exact else {
            throw EvaluationError.policy(text)
        }
        self.init(
            name: text.hasPrefix("none:") ? String(text.dropFirst(5)) : text, guarantee, exit: String(rest),
            layers: layers, state: state, drafts: drafts)
    }

    /// The policies that texts name, or files of them, one a line: the full model first, and each once.
    ///
    /// In files, empty lines and those that begin with `#` are passed over.
    ///
    /// - Throws: `FormatError` that names a file's line, or what `init(_:)` throws.
    public static func all(_ named: [String]) throws -> [PolicySpecification] {
        var found = [PolicySpecification.off]
        for text in named {
            let policies =
                FileManager.default.fileExists(atPath: text) ? try list(text) : [try PolicySpecification(text)]
            for policy in policies where !found.contains(where: { $0.name == policy.name }) { found.append(policy) }
        }
        return found
    }

    private static func list(_ file: String) throws -> [PolicySpecification] {
        guard let data = FileManager.default.contents(atPath: file), let text = String(validating: data, as: UTF8.self)
        else { throw FormatError(.inaccessible, file, "expected a file of policies, one a line") }
        var found: [PolicySpecification] = []
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = PythonText.strip(String(line))
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            do {
                found.append(try PolicySpecification(line))
            } catch {
                throw FormatError(.malformed, "\(file), line \(number + 1)", "\(error)")
            }
        }
        return found
    }
}
