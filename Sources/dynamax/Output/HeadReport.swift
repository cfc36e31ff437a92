import DynamaxDepth
import DynamaxModels
import Foundation

/// What heads are worth on texts that were left out.
enum HeadReport {
    /// A way to judge at exits, and what it would do on texts that were left out.
    struct Rule {
        let name: String
        let simulation: ExitSimulation
        /// Bytes of a token that leaves at each exit, and at last of one that stays.
        let bytes: [Int]
    }

    /// Prints how deep tokens must go for some consistencies, and what they read, by each rule.
    ///
    /// - Parameter rules: that of the heads, and others to compare with.
    static func printDepths(_ rules: [Rule], of stack: any LayerStack, seed: UInt64) {
        var random = Philox(seed: seed)
        let full = Double(ExitCosts.bytes([], of: stack)[0])
        print(
            "mean layers of \(stack.layerCount) by token consistency, with 95 % intervals; bytes as shares of the full model's"
        )
        for rule in rules {
            let cells = [0.99, 0.95, 0.9].map { consistency in
                let found = rule.simulation.depth(atConsistency: consistency, using: &random)
                return String(
                    format: "%.0f %%: %.2f (%.2f to %.2f) bytes %.2f", consistency * 100, found.point.depth, found.low,
                    found.high, found.point.mean(of: rule.bytes) / full)
            }
            print(
                rule.name.padding(toLength: 20, withPad: " ", startingAt: 0) + cells.joined(separator: "   ")
                    + String(format: "   oracle %.2f", rule.simulation.oracleDepth))
        }
    }

    /// Prints what gates have learned to make small, beside what is possible.
    static func printObjective(_ evaluation: GateEvaluation, exits: [Int], of layers: Int, costWeight: Float) {
        print(
            String(
                format: "loss + %g * cost, by where tokens leave, as means; cost 1 is the full model without exits",
                costWeight))
        let fixed = exits.indices.map { ("after layer \(exits[$0])", evaluation.objective(exit: $0)) }
        let rows = [("gates", evaluation.objective()), ("best exit of each", evaluation.least)] + fixed
        for (name, objective) in rows + [("after all \(layers)", evaluation.objective(exit: exits.count))] {
            print(
                name.padding(toLength: 20, withPad: " ", startingAt: 0)
                    + String(
                        format: "%.4f   loss %.4f   cost %.4f   layers %.2f   %.1f %% consistent", objective.value,
                        objective.loss, objective.cost, objective.depth, objective.consistency * 100))
        }
    }
}
