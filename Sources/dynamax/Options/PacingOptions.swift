import ArgumentParser
import DynamaxDepth

/// How exits change along a text.
struct PacingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Let the threshold fall along the text at this rate, as CALM does (paper:4 is usual; released:4 is the formula of its code).
            """, valueName: "form:rate"))
    var exitDecay: DecayChoice?

    @Option(
        help: ArgumentHelp(
            "Let the depth that tokens may reach fall from the first number of layers to the last, as SkipDecode does.",
            valueName: "first:last"))
    var depthCeiling: CeilingChoice?

    @Option(
        help: ArgumentHelp("Move the threshold so that tokens take so many layers on average.", valueName: "layers"))
    var meanDepth: Double?

    /// Whether anything was asked for.
    var isGiven: Bool { exitDecay != nil || depthCeiling != nil || meanDepth != nil }

    /// - Parameter tokens: of the longest text.
    func pacing(tokens: Int) -> Pacing {
        Pacing(
            decay: exitDecay?.decay(tokens: tokens),
            ceiling: depthCeiling.map { DepthCeiling(from: $0.first, to: $0.last, over: tokens) },
            meanDepth: meanDepth)
    }
}

/// `RATE`, or `FORM:RATE`.
struct DecayChoice: ExpressibleByArgument {
    let form: ThresholdDecay.Form
    let rate: Double

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard let rate = parts.last.flatMap({ Double($0) }), rate >= 0, rate.isFinite, parts.count <= 2,
            let form = parts.count == 1 ? .paper : ThresholdDecay.Form(rawValue: String(parts[0]))
        else { return nil }
        (self.form, self.rate) = (form, rate)
    }

    func decay(tokens: Int) -> ThresholdDecay { ThresholdDecay(form, rate: rate, length: max(tokens, 1)) }
}

/// `FIRST:LAST`.
struct CeilingChoice: ExpressibleByArgument {
    let first: Int
    let last: Int

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let first = parts[0], let last = parts[1], last >= 1, first >= last else { return nil }
        (self.first, self.last) = (first, last)
    }
}
