public import ArgumentParser
public import DynamaxDepth

extension ExitCosts: ExpressibleByArgument {}

/// What the modules of exits with gates learn from, as users name it.
enum ModuleChoice: String, CaseIterable, ExpressibleByArgument {
    case released, detached, plain, none
}

/// How gates learn; options that are not given have the defaults of `GateTrainer`.
struct GateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Gates: what the cost of the whole model weighs beside a nat of loss; by default 0.5.", valueName: "lambda")
    )
    var costWeight: Float?

    @Option(
        help: """
            Gates: what the translators of the exits learn from: released (the sum of the exits' losses, as the published code \
            has it), detached or plain (weighted by the chance of leaving there; detached keeps the scale of the sum), none (no \
            translators: exits take the shared head as it is). By default released.
            """)
    var inferenceModules: ModuleChoice?

    @Option(help: "Gates: what an exit costs: ledger (bytes, checks at exits included) or layers. By default ledger.")
    var costs: ExitCosts?

    @Option(
        help:
            "Gates: steps of gates, then of translators, in turns; by default 15. A quarter of all steps warms up first."
    )
    var period: Int?

    var areGiven: Bool { costWeight != nil || inferenceModules != nil || costs != nil || period != nil }

    func validate() throws {
        if let costWeight, !(costWeight >= 0 && costWeight.isFinite) {
            throw ValidationError("--cost-weight must be 0 or more, not \(costWeight)")
        }
        if let period, period < 1 { throw ValidationError("--period must be 1 or more, not \(period)") }
    }

    /// The settings that the options change.
    func apply(to settings: inout GateTrainer.Settings) {
        if let costWeight { settings.costWeight = costWeight }
        switch inferenceModules {
        case nil: break
        case .released: settings.modules = .released
        case .detached: settings.modules = .detached
        case .plain: settings.modules = .plain
        case .some(.none): settings.modules = nil
        }
        if let costs { settings.costs = costs }
        if let period { settings.period = period }
    }
}
