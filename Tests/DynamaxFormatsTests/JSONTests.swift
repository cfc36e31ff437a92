// Oracle: Python's json module, through Tests/Fixtures/Scripts/make_json_cases.py.
import DynamaxFormats
import Foundation
import TestSupport
import Testing

@Suite struct JSONTests {
    @Test func `reads and refuses what Python does`() throws {
        for (text, expected) in try JSONTests.cases() {
            let spelling = String(decoding: text, as: UTF8.self)
            if let expected {
                let value = try JSON(parsing: text, name: "case")
                #expect(canonical(value) == expected, "\(spelling)")
                // The text that it writes says the same.
                let again = try JSON(parsing: value.description, name: "again")
                #expect(canonical(again) == expected, "\(spelling) as \(value)")
            } else {
                #expect(throws: FormatError.self, "\(spelling)") { try JSON(parsing: text, name: "case") }
            }
        }
    }

    @Test(arguments: [
        ("{\n  \"a\": 1,\n  \"b\" 2\n}", "f.json: expected ':' after a key, at line 3, column 7"),
        ("", "f.json: expected a value, found the end of the file, at line 1, column 1"),
        ("[1]\n\n x", "f.json: expected the end of the file after the value, at line 3, column 2"),
        ("[\"abc", "f.json: expected '\"' at the end of a string, at line 1, column 2"),
        ("[\"a\u{1}\"]", "f.json: expected no control character in a string, at line 1, column 4"),
        ("{'a': 1}", "f.json: expected a key in double quotes, at line 1, column 2"),
        ("[01]", "f.json: expected no digit after a leading zero, at line 1, column 2"),
    ])
    func `says where a mistake is`(text: String, message: String) {
        let error = #expect(throws: FormatError.self) { try JSON(parsing: text, name: "f.json") }
        #expect(error?.description == message)
        #expect(error?.kind == .malformed)
    }

    @Test func `refuses what is nested too deep, without using up the stack`() throws {
        let deep = { (count: Int) in String(repeating: "[", count: count) + String(repeating: "]", count: count) }
        _ = try JSON(parsing: deep(256), name: "deep")
        for text in [deep(257), deep(1_000_000), String(repeating: "{\"a\":", count: 1_000_000)] {
            #expect(throws: FormatError.self) { try JSON(parsing: text, name: "deep") }
        }
    }

    @Test func `finds keys by their bytes in objects of any size`() throws {
        for count in [0, 1, 7, 8, 9, 31, 32, 33, 100, 5000] {
            let pairs = (0..<count).map { "\"key \($0)\": \($0)" }.joined(separator: ",")
            let value = try JSON(parsing: "{\(pairs)}", name: "keys")
            guard case .object(let object) = value else { throw CancellationError() }
            #expect(object.keys == (0..<count).map { "key \($0)" })
            for number in 0..<count {
                guard case .integer(number)? = object["key \(number)"] else { throw CancellationError() }
            }
            #expect(object["key \(count)"] == nil && object["key"] == nil && object[""] == nil)
        }
        // Canonically equal, yet two keys: as strings they would be one.
        let accents = try JSON(parsing: "{\"\\u00e9\": 1, \"e\\u0301\": 2}", name: "accents")
        guard case .object(let object) = accents, object.count == 2,
            case .integer(1)? = object["\u{e9}"], case .integer(2)? = object["e\u{301}"]
        else { throw CancellationError() }
    }

    static func cases() throws -> [(text: [UInt8], canonical: String?)] {
        try JSONNode(contentsOf: Fixtures.url("json/cases.json").path).array().map { node in
            (try bytes(node.string("text")), try node.optionalString("value"))
        }
    }

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal.utf8)
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)!
        }
    }
}

/// A value in the form that make_json_cases.py describes.
private func canonical(_ value: JSON) -> String {
    switch value {
    case .null: return "null"
    case .bool(let bool): return "\(bool)"
    case .integer(let integer): return "i\(integer)"
    case .number(let number):
        let digits = String(number.bitPattern, radix: 16)
        return number.isNaN ? "fnan" : "f" + String(repeating: "0", count: 16 - digits.count) + digits
    case .string(let string): return canonical(string)
    case .array(let values): return "[" + values.map(canonical).joined(separator: ",") + "]"
    case .object(let object):
        return "{" + object.map { canonical($0.key) + ":" + canonical($0.value) }.joined(separator: ",") + "}"
    }
}

private func canonical(_ string: String) -> String {
    "s" + string.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}
