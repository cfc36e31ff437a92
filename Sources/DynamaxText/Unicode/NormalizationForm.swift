/// The normalization forms of Unicode (annex 15).
enum NormalizationForm: String, Sendable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"

    private var isComposed: Bool { self == .nfc || self == .nfkc }
    private var isCompatible: Bool { self == .nfkc || self == .nfkd }

    /// The text in this form, or nil where it is known to be in it already.
    func normalized(_ text: Span<UInt8>) -> [UInt8]? {
        guard mayChange(text) else { return nil }
        let tables = NormalizationTables.table
        var scalars: [(value: UInt32, order: UInt8)] = []
        scalars.reserveCapacity(text.count)
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
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        for scalar in scalars { result.append(scalar: scalar.value) }
        return result
    }

    /// False where all scalars lie below the first that the form concerns: nearly all texts in Latin script.
    private func mayChange(_ text: Span<UInt8>) -> Bool {
        // In the composed canonical form nothing below U+0300 changes; the others change from U+00A0 on.
        let lowest: UInt8 = self == .nfc ? 0xCC : 0xC2
        for i in text.indices where text[i] >= lowest { return true }
        return false
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
struct NormalizationTables: Sendable {
    /// The one table, made when a text first needs it.
    static let table = NormalizationTables()

    private var canonical = IntegerMap(capacity: 2200)  // scalar to place << 8 | length in `scalars`
    private var compatible = IntegerMap(capacity: 3800)
    private var scalars: [UInt32] = []
    private var orders = IntegerMap(capacity: 1000)  // scalar to combining class
    private var compositions = IntegerMap(capacity: 1000)  // first << 32 | second to composed

    private init() {
        var composed: [(scalar: UInt32, place: Int, length: Int)] = []
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
        }
        numbers = GeneratedNumbers(DecompositionData.combiningClasses)
        scalar = 0
        while !numbers.isAtEnd {
            scalar += numbers.next()
            let length = numbers.next()
            let order = numbers.next()
            for offset in 0..<length { orders.set(UInt64(scalar + offset), UInt64(order)) }
        }
        // The full decomposition of a composable character is that of its first part, then its second part.
        for entry in composed.sorted(by: { $0.length < $1.length }) {
            var first = scalars[entry.place]
            for next in scalars[entry.place + 1..<entry.place + entry.length - 1] {
                first = compositions[UInt64(first) << 32 | UInt64(next)].map(UInt32.init) ?? first
            }
            let second = scalars[entry.place + entry.length - 1]
            compositions.set(UInt64(first) << 32 | UInt64(second), UInt64(entry.scalar))
        }
    }

    func combiningClass(_ scalar: UInt32) -> UInt8 {
        scalar < 0x300 ? 0 : orders[UInt64(scalar)].map { UInt8(truncatingIfNeeded: $0) } ?? 0
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
