// Oracle: none needed. Whatever a file holds, its reader returns or throws; a trap would end the test run.
import DynamaxFormats
import Foundation
import TestSupport
import Testing

@Suite struct CorpusTests {
    /// Files of the corpus that are sound; all others must be refused, but for those that the fuzzer found.
    static let sound: [Exercise.Reader: Set<String>] = [
        .safetensors: ["valid", "every-type", "no-tensors", "shape-rank-1000", "packed-int8", "packed-int4"],
        .gguf: [
            "valid", "every-block", "version-2", "key-empty", "string-not-utf-8", "bool-2", "uint64-all-ones",
            "array-of-empty-arrays", "array-of-mixed-arrays", "axes-0", "extent-0", "extent-0-without-data",
            "type-unknown", "type-unsupported",
            "split-count-huge", "token-ids-odd",
        ],
        .json: [
            "config", "generation", "tokenizer", "names-of-floats", "numbers", "digits", "exponent", "fraction",
            "strings",
            "equal-keys", "many-keys", "deep-enough", "byte-order-mark",
        ],
    ]

    private static func files(_ reader: Exercise.Reader) throws -> [(name: String, bytes: [UInt8])] {
        let folder = Fixtures.url("corpus/\(reader.rawValue)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
            ($0, try Array(Data(contentsOf: folder.appendingPathComponent($0))))
        }
    }

    @Test(arguments: Exercise.Reader.allCases)
    func `accepts what is sound and refuses the rest`(reader: Exercise.Reader) throws {
        let files = try CorpusTests.files(reader)
        #expect(files.count > 20)
        for (name, bytes) in files {
            let isSound: Bool
            do {
                try Exercise.read(bytes, with: reader)
                isSound = true
            } catch {
                isSound = false
                #expect(error.location.hasPrefix("input") && !error.problem.isEmpty && !error.problem.hasSuffix("."))
            }
            if !name.hasPrefix("found-") { #expect(isSound == CorpusTests.sound[reader]?.contains(name), "\(name)") }
        }
    }

    @Test(arguments: Exercise.Reader.allCases)
    func `survives every truncation and flipped byte`(reader: Exercise.Reader) throws {
        for (name, bytes) in try CorpusTests.files(reader) where CorpusTests.sound[reader]?.contains(name) == true {
            let head = min(bytes.count, 1200)
            for count in 0..<head { try? Exercise.read(Array(bytes.prefix(count)), with: reader) }
            var mutant = bytes
            for place in 0..<head {
                for mask: UInt8 in [0x01, 0x80, 0xFF] {
                    mutant[place] ^= mask
                    try? Exercise.read(mutant, with: reader)
                    mutant[place] ^= mask
                }
            }
        }
    }

    @Test(arguments: Exercise.Reader.allCases)
    func `survives thousands of random mutations`(reader: Exercise.Reader) throws {
        var random = Seeded(42)
        let files = try CorpusTests.files(reader)
        for _ in 0..<10_000 {
            var bytes = files.randomElement(using: &random)!.bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                mutate(&bytes, &random, files.randomElement(using: &random)!.bytes)
            }
            try? Exercise.read(bytes, with: reader)
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Seeded, _ other: [UInt8]) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let count = Int.random(in: 1...min(64, bytes.count - place), using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1:
            bytes.removeSubrange(place..<place + count)
        case 2:
            bytes.insert(contentsOf: bytes[place..<place + count], at: place)
        case 3:
            bytes.insert(contentsOf: other.prefix(Int.random(in: 0...other.count, using: &random)), at: place)
        case 4:
            bytes.removeSubrange(place...)
        default:
            // A number that counts and offsets trip over.
            let number = [0, 1, 31, 1 << 31, 1 << 32, 1 << 61, 1 << 62, 1 << 63, UInt64.max].randomElement(
                using: &random)!
            for (index, byte) in withUnsafeBytes(of: number.littleEndian, Array.init).enumerated()
            where place + index < bytes.count {
                bytes[place + index] = byte
            }
        }
    }
}
