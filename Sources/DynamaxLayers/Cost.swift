/// What one row costs in a layer: the ledger's unit.
public struct Cost: Hashable, Sendable {
    /// Bytes of weights and state that are read or written.
    public var bytes: Int
    /// Multiply-accumulate operations.
    public var multiplyAdds: Int

    /// Makes a cost; nothing by default.
    public init(bytes: Int = 0, multiplyAdds: Int = 0) {
        self.bytes = bytes
        self.multiplyAdds = multiplyAdds
    }

    public static func + (a: Cost, b: Cost) -> Cost {
        Cost(bytes: a.bytes + b.bytes, multiplyAdds: a.multiplyAdds + b.multiplyAdds)
    }

    public static func += (a: inout Cost, b: Cost) { a = a + b }

    public static func * (cost: Cost, count: Int) -> Cost {
        Cost(bytes: cost.bytes * count, multiplyAdds: cost.multiplyAdds * count)
    }
}
