/// The printable characters in which byte-level vocabularies spell bytes (GPT-2's `bytes_to_unicode`).
enum ByteLevel {
    private static let characters: [UInt32] = {
        var next: UInt32 = 256
        return (0..<256).map { (byte: UInt32) in
            switch byte {
            case 33...126, 161...172, 174...255: return byte
            default:
                defer { next += 1 }
                return next
            }
        }
    }()

    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 324)
        for (byte, character) in characters.enumerated() { bytes[Int(character)] = Int16(byte) }
        return bytes
    }()

    /// The character that spells a byte.
    static func character(of byte: UInt8) -> UInt32 { characters[Int(byte)] }

    /// The bytes that a piece spells, or nil where one of its characters spells none.
    static func bytes(of piece: some Collection<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(piece.count)
        var head: UInt32 = 0
        for byte in piece {
            var character = UInt32(byte)
            if head != 0 {
                guard byte & 0xC0 == 0x80 else { return nil }
                character = (head & 0x1F) << 6 | character & 0x3F
                head = 0
            } else if byte >= 0x80 {
                // The characters end at U+0143: all beyond ASCII take two bytes.
                guard 0xC2...0xC5 ~= byte else { return nil }
                head = UInt32(byte)
                continue
            }
            guard character < bytes.count, bytes[Int(character)] >= 0 else { return nil }
            result.append(UInt8(bytes[Int(character)]))
        }
        return head == 0 ? result : nil
    }
}
