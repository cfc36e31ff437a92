import DynamaxDepth

/// What one policy does over all tasks, each task counting the same.
public struct PolicyFigures: Sendable {
    public let policy: RunManifest.Policy
    public let isReference: Bool
    /// Its cells, in the order of tasks.
    public let cells: [RunCell]
    public let depth: Double?
    public let bytesShare: Double?
    public let multiplyAddsShare: Double?
    public let speed: Double?
    public let agreement: Double?
    /// Of all tokens that left, whatever the task.
    public let calibration: ScoreCalibration?
    public let depths: ExitDepths

    init(_ policy: RunManifest.Policy, _ cells: [RunCell], _ rows: [RunRow], isReference: Bool) {
        (self.policy, self.cells, self.isReference) = (policy, cells, isReference)
        func mean(_ values: [Double?]) -> Double? {
            let sound = values.compactMap { $0 }.filter(\.isFinite)
            return sound.isEmpty ? nil : sound.reduce(0, +) / Double(sound.count)
        }
        depth = mean(cells.map(\.depth.value))
        bytesShare = mean(cells.map(\.bytesShare?.value))
        multiplyAddsShare = mean(cells.map(\.multiplyAddsShare?.value))
        speed = mean(cells.map(\.speed?.value))
        agreement = mean(cells.map(\.agreement?.value))
        calibration = ScoreCalibration(rows, policy)
        depths = cells.reduce(into: ExitDepths()) { $0.add($1.depths) }
    }
}

extension RunManifest.Policy {
    /// The exits; nil for the full model, and where the text is none that `--exit` takes.
    var specification: ExitSpecification? { exit.flatMap { try? ExitSpecification($0) } }

    /// What policies that differ in their thresholds alone have in common, and this one's threshold or depth; nil without exits.
    var curve: (name: String, threshold: Double)? {
        guard let specification else { return nil }
        let kind = specification.headsFile.map { "heads:\($0)" } ?? specification.score.kind?.rawValue ?? "depth"
        let threshold: Double? =
            if case .depth(let depth) = specification.score {
                Double(depth)
            } else {
                // The digits that were typed, not those that the nearest float has.
                specification.score.threshold.map { Double("\($0)") ?? Double($0) }
            }
        guard let threshold else { return nil }
        let others = (guarantee == "none" ? [] : [guarantee]) + (state == "deferred" ? [] : [state])
        return (([kind] + others).joined(separator: ", "), threshold)
    }
}

extension ScoreCalibration {
    /// The scores of tokens that left at an exit.
    init?(_ rows: [RunRow], _ policy: RunManifest.Policy) {
        // Verified tokens are all the full model's, whatever their drafts were.
        guard policy.guarantee != "exact", let score = policy.specification?.score, let kind = score.kind,
            let last = policy.exitLayers.max()
        else {
            return nil
        }
        let sign: Double = kind.largerIsSurer ? 1 : -1
        let scores = rows.flatMap(\.tokens).compactMap { token -> (score: Double, agrees: Bool)? in
            guard let value = token.exitScore, let agrees = token.agrees, token.layer <= last else { return nil }
            return (sign * Double(value), agrees)
        }
        let areProbabilities =
            switch kind {
            case .softmax, .margin, .heads, .reduced: true
            case .entropy, .saturation: false
            }
        self.init(scores, areProbabilities: areProbabilities)
    }
}
