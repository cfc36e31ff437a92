import DynamaxFormats

// Fields of config.json, checked as they are read: sizes come from files, and files may lie.

/// Sizes above this are refused: no model has them, and products of two stay far from overflow.
private let largestSize = 1 << 24

extension JSONNode {
    /// A whole number from 1 to 2^24.
    func size(_ key: String) throws(FormatError) -> Int {
        let field = try node(key)
        let value = try field.int()
        guard (1...largestSize).contains(value) else { throw field.expected("a whole number from 1 to \(largestSize)") }
        return value
    }

    /// A size, or nil where the field is missing or null.
    func optionalSize(_ key: String) throws(FormatError) -> Int? {
        self[key] == nil ? nil : try size(key)
    }

    /// A size that must divide another.
    func size(_ key: String, dividing whole: Int, _ name: String) throws(FormatError) -> Int {
        let value = try size(key)
        guard whole % value == 0 else { throw try node(key).expected("a divisor of \(name), which is \(whole)") }
        return value
    }

    /// A finite number above zero, or a default where the field is missing or null.
    func positive(_ key: String, default fallback: Double) throws(FormatError) -> Double {
        guard let field = self[key] else { return fallback }
        let value = try field.double()
        guard value > 0, value.isFinite else { throw field.expected("a number above zero") }
        return value
    }

    /// The epsilon of a norm: above zero and below one, as an f32 number too.
    func epsilon(_ key: String, default fallback: Double) throws(FormatError) -> Float {
        guard let field = self[key] else { return Float(fallback) }
        let value = Float(try field.double())
        guard value > 0, value < 1 else { throw field.expected("a number above zero and below one") }
        return value
    }

    /// The number of layers.
    func layerCount() throws(FormatError) -> Int {
        let count = try size("num_hidden_layers")
        guard count <= 4096 else { throw try node("num_hidden_layers").expected("at most 4096 layers") }
        return count
    }

    /// Refuses activations other than silu.
    func requireSilu() throws(FormatError) {
        guard let field = self["hidden_act"] else { return }
        guard ["silu", "swish"].contains(try field.string()) else { throw field.expected("silu") }
    }
}
