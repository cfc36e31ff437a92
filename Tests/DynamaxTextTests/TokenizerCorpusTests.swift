// Oracle: none needed. Whatever a file holds, its reader returns or throws; a trap would end the test run.
import DynamaxFormats
import Foundation
import TestSupport
import Testing

@Suite struct TokenizerCorpusTests {
    private static func files() throws -> [(name: String, bytes: [UInt8])] {
        let folder = Fixtures.url("corpus/tokenizer")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
            ($0, try Array(Data(contentsOf: folder.appendingPathComponent($0))))
        }
    }

    @Test func `reads the seeds`() throws {
        for (name, bytes) in try TokenizerCorpusTests.files() where !name.hasPrefix("found-") && name != "words" {
            #expect(throws: Never.self, "\(name)") { try TokenizerExercise.read(bytes) }
        }
    }

    @Test func `survives random mutations`() throws {
        var random = Seeded(42)
        let files = try TokenizerCorpusTests.files()
        for _ in 0..<3000 {
            var bytes = files.randomElement(using: &random)!.bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) { bytes.mutate(with: files, &random) }
            // Other errors than refusals, such as those of writing the file, would hide what is looked for.
            do { try TokenizerExercise.read(bytes) } catch is FormatError {}
        }
    }
}

extension [UInt8] {
    fileprivate mutating func mutate(with others: [(name: String, bytes: [UInt8])], _ random: inout Seeded) {
        guard !isEmpty else { return }
        let place = Int.random(in: 0..<count, using: &random)
        let length = Int.random(in: 1...Swift.min(64, count - place), using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: self[place] = UInt8.random(in: 0...255, using: &random)
        case 1: removeSubrange(place..<place + length)
        case 2: insert(contentsOf: self[place..<place + length], at: place)
        case 3:
            let other = others.randomElement(using: &random)!.bytes
            let start = Int.random(in: 0..<other.count, using: &random)
            insert(contentsOf: other[start...].prefix(length), at: place)
        default: self[place] ^= 1 << Int.random(in: 0..<8, using: &random)
        }
    }
}
