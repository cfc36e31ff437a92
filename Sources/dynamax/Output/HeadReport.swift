import DynamaxDepth
import DynamaxModels
import Foundation

/// What heads are worth on texts that were left out.
enum HeadReport {
    /// Prints how deep tokens must go for some consistencies, by each rule.
    ///
    /// - Parameters:
    ///   - rules: that of the heads, and others to compare with.
    ///   - layers: of the model.
    static func printDepths(_ rules: [(name: String, simulation: ExitSimulation)], of layers: Int, seed: UInt64) {
        var random = Philox(seed: seed)
        print("mean layers of \(layers) by token consistency, with 95 % intervals")
        for (name, simulation) in rules {
            let cells = [0.99, 0.95, 0.9].map { consistency in
                let found = simulation.depth(atConsistency: consistency, using: &random)
                return String(
                    format: "%.0f %%: %.2f (%.2f to %.2f)", consistency * 100, found.point.depth, found.low, found.high)
            }
            print(
                name.padding(toLength: 20, withPad: " ", startingAt: 0) + cells.joined(separator: "   ")
                    + String(format: "   oracle %.2f", simulation.oracleDepth))
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
