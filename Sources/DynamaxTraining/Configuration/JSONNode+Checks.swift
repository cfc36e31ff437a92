import DynamaxFormats

// Fields of a configuration that people write, checked as they are read: nothing unknown is passed over, and no number is
// taken that makes no sense.
extension JSONNode {
    /// Refuses keys other than these.
    func only(_ keys: String...) throws(FormatError) {
        for key in try object().keys where !keys.contains(key) {
            let name = path.isEmpty ? key : "\(path).\(key)"
            throw FormatError(
                .mismatch, location, "the field \(name) is not known, expected one of \(keys.joined(separator: ", "))")
        }
    }

    /// A section that may be left out: its fields then have their defaults.
    func section(_ key: String) -> JSONNode {
        self[key] ?? JSONNode(.object([:]), location: location, path: path.isEmpty ? key : "\(path).\(key)")
    }

    func int(_ key: String, in range: ClosedRange<Int>, default fallback: Int) throws(FormatError) -> Int {
        guard let field = self[key] else { return fallback }
        let value = try field.int()
        guard range.contains(value) else {
            throw field.expected(
                range.upperBound >= 1_000_000
                    ? "\(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func int(_ key: String, in range: ClosedRange<Int>) throws(FormatError) -> Int {
        _ = try node(key).int()
        return try int(key, in: range, default: 0)
    }

    func number(_ key: String, in range: ClosedRange<Double>, default fallback: Double) throws(FormatError) -> Double {
        guard let field = self[key] else { return fallback }
        let value = try field.double()
        guard range.contains(value) else { throw field.expected("from \(range.lowerBound) to \(range.upperBound)") }
        return value
    }

    func string(_ key: String, default fallback: String) throws(FormatError) -> String {
        try optionalString(key) ?? fallback
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String, default fallback: Choice
    ) throws(FormatError) -> Choice {
        guard let field = self[key] else { return fallback }
        guard let choice = Choice(rawValue: try field.string()) else {
            throw field.expected("one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    func ints(_ key: String, in range: ClosedRange<Int>) throws(FormatError) -> [Int]? {
        guard let fields = try optionalArray(key) else { return nil }
        var values: [Int] = []
        for field in fields {
            let value = try field.int()
            guard range.contains(value) else {
                throw field.expected("from \(range.lowerBound) to \(range.upperBound)")
            }
            values.append(value)
        }
        return values
    }
}
