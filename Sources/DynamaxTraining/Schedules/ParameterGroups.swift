/// Settings of the optimizer for the parameters whose names fit a pattern.
public struct ParameterGroup: Hashable, Sendable {
    /// Which names.
    public var match: Glob
    /// Multiplies the learning rate.
    public var rate: Double
    /// Weight decay; nil for the optimizer's.
    public var decay: Double?
    /// Whether the parameters stay as they are.
    public var isFrozen: Bool

    /// Takes a pattern and its settings.
    public init(match: Glob, rate: Double = 1, decay: Double? = nil, isFrozen: Bool = false) {
        self.match = match
        self.rate = rate
        self.decay = decay
        self.isFrozen = isFrozen
    }
}

extension [ParameterGroup] {
    /// The group of a parameter: the first that fits one of its names, or nil.
    public func group(of names: [String]) -> ParameterGroup? {
        first { group in names.contains { group.match.matches($0) } }
    }
}
