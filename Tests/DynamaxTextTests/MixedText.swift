import DynamaxFormats
import DynamaxText
import Foundation
import TestSupport

/// Text of all kinds from a seed, the same that Tests/Fixtures/Scripts/mixed_text.py makes: English, code, other scripts,
/// emoji, control characters, runs of white space, digits, combining marks, private use and unassigned code points.
struct MixedText {
    private let texts: [[Unicode.Scalar]]
    private let strings: [[Unicode.Scalar]]
    private let alphabets: [[Unicode.Scalar]]
    private let repeated: [[Unicode.Scalar]]

    // First scalar and number of scalars.
    private static let ranges: [(UInt32, Int)] = [
        (0x4E00, 0x5200), (0x3041, 0x56), (0x30A1, 0x5A), (0xAC00, 0x2BA4), (0x0400, 0x100), (0x05D0, 0x1B),
        (0x0621, 0x2A), (0x0900, 0x80), (0x0E01, 0x3A), (0x00A0, 0x160), (0x0370, 0x90), (0x1E00, 0x100),
        (0x2000, 0x70), (0x2190, 0x200), (0xE000, 0x1900), (0x1F300, 0x400), (0x1F1E6, 26), (0x0300, 0x70),
        (0x1100, 0x100), (0xFB00, 0x50), (0xFF00, 0xF0), (0x2460, 0xA0), (0x20000, 0xA000), (0x0000, 0x20),
        (0x1D400, 0x400), (0x10000, 0x1000),
    ]

    init() throws {
        let samples = try JSONNode(contentsOf: Fixtures.url("tokenizers/samples.json").path)
        func scalars(_ key: String) throws -> [[Unicode.Scalar]] {
            try samples.array(key).map { Array(try $0.string().unicodeScalars) }
        }
        texts = try scalars("text")
        strings = try scalars("strings")
        alphabets = try scalars("alphabets")
        repeated = try scalars("repeated")
    }

    /// So many lines; they may hold newlines.
    func lines(_ count: Int, seed: UInt64) -> [String] {
        var random = Seeded(seed)
        return (0..<count).map { _ in line(&random) }
    }

    private func line(_ random: inout Seeded) -> String {
        var line = String.UnicodeScalarView()
        for _ in 0..<1 + random.below(24) {
            switch random.below(12) {
            case 0..<5:
                let sample = texts[random.below(texts.count)]
                let start = random.below(sample.count)
                line.append(contentsOf: sample[start...].prefix(1 + random.below(120)))
            case 5, 6:
                let (first, count) = MixedText.ranges[random.below(MixedText.ranges.count)]
                for _ in 0..<1 + random.below(12) { line.append(scalar(first + UInt32(random.below(count)))) }
            case 7:
                let value = UInt32(random.below(0x110000 - 0x800))
                line.append(scalar(value < 0xD800 ? value : value + 0x800))
            case 8:
                for _ in 0..<1 + random.below(5) {
                    line.append(scalar(0x61 + UInt32(random.below(26))))
                    for _ in 0..<random.below(4) { line.append(scalar(0x300 + UInt32(random.below(0x70)))) }
                }
            case 9:
                let alphabet = alphabets[random.below(alphabets.count)]
                for _ in 0..<1 + random.below(9) { line.append(alphabet[random.below(alphabet.count)]) }
            case 10:
                line.append(contentsOf: strings[random.below(strings.count)])
            default:
                let part = repeated[random.below(repeated.count)]
                let count = 1 + random.below(30) * (random.below(40) == 0 ? 40 : 1)
                for _ in 0..<count { line.append(contentsOf: part) }
            }
            if random.below(3) == 0 { line.append(" ") }
        }
        return String(line)
    }

    private func scalar(_ value: UInt32) -> Unicode.Scalar { Unicode.Scalar(value) ?? "\u{FFFD}" }
}

extension Seeded {
    /// A number from 0 to `count` - 1.
    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }

    /// Lists of tokens, of which every second is of small ones: bytes, in most vocabularies.
    static func tokenLists(_ tokens: [Int32]) -> [[Int32]] {
        var random = Seeded(7)
        return (0..<600).map { number in
            let limit = number % 2 == 1 ? min(tokens.count, 300) : tokens.count
            let count = random.below(30)
            return (0..<count).map { _ in tokens[random.below(limit)] }
        }
    }
}

/// The upper halves of the hashes (FNV-1a, 64 bits) of `size` byte strings each, as the scripts write them.
func chunkHashes(_ items: [[UInt8]], _ size: Int) -> [String] {
    stride(from: 0, to: items.count, by: size).map { start in
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for item in items[start..<min(start + size, items.count)] {
            for byte in item + [255] { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        let digits = String(state >> 32, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}

/// Tokens as the scripts hash them.
func pack(_ tokens: [Int32]) -> [UInt8] {
    tokens.flatMap { token in (0..<4).map { UInt8(truncatingIfNeeded: token >> (8 * $0)) } }
}
