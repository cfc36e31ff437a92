/// From the gates of a token's exits to the exit that it takes: exit probabilities and hazards, exit after exit
/// (Regol et al. 2024, JEI-DNN).
///
/// The probability of leaving at exit l is what gate l asks for, as far as the gates before have left any:
/// pi_l = max(0, min(g_l, 1 - (g_1 + … + g_(l-1)))); what is left at the end goes to the last layer. The hazard
/// h_l = pi_l / ((1 - h_1) … (1 - h_(l-1))) is the chance of leaving at exit l for a token that has come so far. Because
/// earlier gates use up what there is to share out, a hazard may pass a threshold that no gate reaches.
public struct ExitHazards: Hashable, Sendable {
    /// The hazard from which a token leaves.
    public static let threshold: Float = 0.5

    /// What the gates have asked for so far.
    private var asked: Float = 0
    /// The chance of coming so far.
    private var reached: Float = 1

    /// Begins before the first exit.
    public init() {}

    /// Takes the gate of the next exit, 0 to 1.
    ///
    /// - Returns: the probability that the token leaves there, and its hazard. Both are NaN from a gate on that is not a number.
    public mutating func next(_ gate: Float) -> (probability: Float, hazard: Float) {
        guard !gate.isNaN, !asked.isNaN else {
            asked = .nan
            return (.nan, .nan)
        }
        let probability = max(0, min(gate, 1 - asked))
        // Where nobody comes any more, whoever does leaves.
        let hazard = reached > 0 ? min(max(probability / reached, 0), 1) : 1
        asked += gate
        reached *= 1 - hazard
        return (probability, hazard)
    }

    /// The probabilities of leaving at each exit, and at last of staying to the end; they add up to 1.
    public static func probabilities(_ gates: [Float]) -> [Float] {
        var hazards = ExitHazards()
        let exits = gates.map { hazards.next($0).probability }
        return exits + [1 - exits.reduce(0, +)]
    }

    /// The hazard at each exit.
    public static func hazards(_ gates: [Float]) -> [Float] {
        var hazards = ExitHazards()
        return gates.map { hazards.next($0).hazard }
    }

    /// The number of the exit that a token takes: the first whose hazard is at least the threshold; nil for none.
    public static func exit(_ gates: [Float], threshold: Float = threshold) -> Int? {
        hazards(gates).firstIndex { $0 >= threshold }
    }
}
