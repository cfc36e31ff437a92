/// The normalization forms of Unicode (annex 15).
enum NormalizationForm: String, Sendable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"

    private var isComposed: Bool { self == .nfc || self == .nfkc }
    private var isCompatible: Bool { self == .nfkc || self == .nfkd }

    /// The text in this form, or nil where it is in it already.
    ///
    /// Most text is: only stretches around characters that the form concerns are taken apart and put together again.
    func normalized(_ text: Span<UInt8>) -> [UInt8]? {
        // In the composed canonical form nothing below U+0300 changes; in the others nothing below U+00A0.
        let lowest: UInt8 = self == .nfc ? 0xCC : 0xC2
        guard var position = text.indices.first(where: { text[$0] >= lowest }) else { return nil }
        let tables = NormalizationTables.table
        var result: [UInt8] = []
        var done = 0
        var stable = position == 0 ? 0 : position - scalar(in: text, before: position).count
        while position < text.count {
            let next = scalar(in: text, at: position)
            guard tables.isConcerned(next.value, by: self) else {
                stable = position
                position += next.count
                continue
            }
            var end = position + next.count
            while end < text.count {
                let following = scalar(in: text, at: end)
                guard tables.isConcerned(following.value, by: self) else { break }
                end += following.count
            }
            if result.isEmpty { result.reserveCapacity(text.count + text.count / 4) }
            result.append(text.extracting(done..<stable))
            rewrite(text.extracting(stable..<end), tables, to: &result)
            (done, stable, position) = (end, end, end)
        }
        if done == 0 { return nil }
        result.append(text.extracting(done..<text.count))
        return result
    }

    private func rewrite(_ text: Span<UInt8>, _ tables: NormalizationTables, to result: inout [UInt8]) {
        var scalars: [(value: UInt32, order: UInt8)] = []
        var position = 0
        while position < text.count {
            let next = scalar(in: text, at: position)
            position += next.count
            tables.decompose(next.value, compatible: isCompatible) {
                scalars.append(($0, tables.combiningClass($0)))
            }
        }
        NormalizationForm.sortMarks(&scalars)
        if isComposed { tables.compose(&scalars) }
        for scalar in scalars { result.append(scalar: scalar.value) }
    }

    /// The place of the form among the flags of `NormalizationTables`.
    fileprivate var flag: UInt64 {
        switch self {
        case .nfc: 1
        case .nfd: 2
        case .nfkc: 4
        case .nfkd: 8
        }
    }

    /// Puts each run of marks into the order of their combining classes; equal ones keep theirs.
    private static func sortMarks(_ scalars: inout [(value: UInt32, order: UInt8)]) {
        var start = 0
        while start < scalars.count {
            guard scalars[start].order != 0 else {
                start += 1
                continue
            }
            var end = start + 1
            var isSorted = true
            while end < scalars.count, scalars[end].order != 0 {
                if scalars[end - 1].order > scalars[end].order { isSorted = false }
                end += 1
            }
            // Buckets, not insertion: a text may hold a million marks in a row.
            if !isSorted {
                let marks = Array(scalars[start..<end])
                var places = [Int](repeating: 0, count: 257)
                for mark in marks { places[Int(mark.order) + 1] += 1 }
                for order in 1..<257 { places[order] += places[order - 1] }
                for mark in marks {
                    scalars[start + places[Int(mark.order)]] = mark
                    places[Int(mark.order)] += 1
                }
            }
            start = end
        }
    }
}

/// Decompositions, combining classes and compositions of all scalars.
final class NormalizationTables: Sendable {
    /// The one table, made when a text first needs it.
    static let table = NormalizationTables()

    private let canonical: IntegerMap  // scalar to place << 8 | length in `scalars`
    private let compatible: IntegerMap
    private let scalars: [UInt32]
    private let compositions: IntegerMap  // first << 32 | second to composed
    private let properties: IntegerMap  // scalar to combining class << 8 | flags of the forms that concern it

    private init() {
        var canonical = IntegerMap(capacity: 2200)
        var compatible = IntegerMap(capacity: 3800)
        var scalars: [UInt32] = []
        var properties = IntegerMap(capacity: 7000)
        var composed: [(scalar: UInt32, place: Int, length: Int)] = []
        func add(_ flags: UInt64, to scalar: UInt32) {
            properties.set(UInt64(scalar), (properties[UInt64(scalar)] ?? 0) | flags)
        }
        var numbers = GeneratedNumbers(DecompositionData.decompositions)
        var scalar: UInt32 = 0
        while !numbers.isAtEnd {
            scalar += numbers.next()
            let (length, kind) = numbers.next().quotientAndRemainder(dividingBy: 3)
            let place = scalars.count
            for _ in 0..<length { scalars.append(numbers.next()) }
            let value = UInt64(place) << 8 | UInt64(length)
            if kind == 2 { compatible.set(UInt64(scalar), value) } else { canonical.set(UInt64(scalar), value) }
            if kind == 1 { composed.append((scalar, place, Int(length))) }
            add(kind == 0 ? 0b1111 : kind == 1 ? 0b1010 : 0b1100, to: scalar)
        }
        numbers = GeneratedNumbers(DecompositionData.combiningClasses)
        scalar = 0
        while !numbers.isAtEnd {
            scalar += numbers.next()
            let length = numbers.next()
            let order = numbers.next()
            for offset in 0..<length { add(UInt64(order) << 8 | 0b1111, to: scalar + offset) }
        }
        // The full decomposition of a composable character is that of its first part, then its second part.
        var compositions = IntegerMap(capacity: 1000)
        for entry in composed.sorted(by: { $0.length < $1.length }) {
            var first = scalars[entry.place]
            for next in scalars[entry.place + 1..<entry.place + entry.length - 1] {
                first = compositions[UInt64(first) << 32 | UInt64(next)].map(UInt32.init) ?? first
            }
            let second = scalars[entry.place + entry.length - 1]
            compositions.set(UInt64(first) << 32 | UInt64(second), UInt64(entry.scalar))
            add(0b0101, to: second)
        }
        self.canonical = canonical
        self.compatible = compatible
        self.scalars = scalars
        self.compositions = compositions
        self.properties = properties
    }

    /// Whether a form may change a scalar, or join it with the one before.
    @inline(__always) func isConcerned(_ scalar: UInt32, by form: NormalizationForm) -> Bool {
        if scalar < 0xA0 { return false }
        switch scalar {
        case 0x1161..<0x1176, 0x11A8..<0x11C3: return form == .nfc || form == .nfkc  // vowels and finals of Hangul
        case 0xAC00..<0xD7A4: return form == .nfd || form == .nfkd
        default: return (properties[UInt64(scalar)] ?? 0) & form.flag != 0
        }
    }

    func combiningClass(_ scalar: UInt32) -> UInt8 {
        scalar < 0x300 ? 0 : UInt8(truncatingIfNeeded: (properties[UInt64(scalar)] ?? 0) >> 8)
    }

    /// The full decomposition of a scalar, one by one.
    func decompose(_ scalar: UInt32, compatible isCompatible: Bool, _ body: (UInt32) -> Void) {
        if scalar < 0xA0 { return body(scalar) }
        if case 0xAC00..<0xD7A4 = scalar {
            let index = scalar - 0xAC00
            body(0x1100 + index / 588)
            body(0x1161 + index % 588 / 28)
            if index % 28 != 0 { body(0x11A7 + index % 28) }
            return
        }
        guard let found = (isCompatible ? compatible[UInt64(scalar)] : nil) ?? canonical[UInt64(scalar)] else {
            return body(scalar)
        }
        let place = Int(found >> 8)
        for part in scalars[place..<place + Int(found & 255)] { body(part) }
    }

    /// Joins each starter with the marks that follow it, as far as a composed character exists.
    func compose(_ text: inout [(value: UInt32, order: UInt8)]) {
        var starter: Int?
        var written = 0
        var last: UInt8 = 0  // combining class of the scalar before, 0 where it is the starter
        for scalar in text {
            if let place = starter, last < scalar.order || (last == 0 && written == place + 1),
                let joined = composition(text[place].value, scalar.value)
            {
                text[place].value = joined
                continue
            }
            if scalar.order == 0 { starter = written }
            last = scalar.order
            text[written] = scalar
            written += 1
        }
        text.removeSubrange(written...)
    }

    private func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if 0x1100..<0x1113 ~= first, 0x1161..<0x1176 ~= second {
            return 0xAC00 + (first - 0x1100) * 588 + (second - 0x1161) * 28
        }
        if 0xAC00..<0xD7A4 ~= first, (first - 0xAC00) % 28 == 0, 0x11A8..<0x11C3 ~= second {
            return first + second - 0x11A7
        }
        return compositions[UInt64(first) << 32 | UInt64(second)].map { UInt32(truncatingIfNeeded: $0) }
    }
}
