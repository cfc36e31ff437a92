/// What scores of exits are worth: whether they mean what they say, and whether they tell right tokens from wrong ones.
///
/// A token that left at an exit is right where the full model, told the same text before it, would have named the same one.
public struct ScoreCalibration: Hashable, Sendable {
    /// The share of tokens that are kept when the least sure ones go all the way up, and the share of the kept that is wrong
    /// (the risk-coverage curve: El-Yaniv and Wiener 2010).
    public struct Risk: Hashable, Sendable {
        public let coverage: Double
        public let risk: Double
    }

    public let count: Int
    /// The share of tokens that is right.
    public let agreement: Double
    /// nil where scores are no probabilities.
    public let reliability: Reliability?
    /// The mean squared distance of score and outcome (Brier 1950); nil where scores are no probabilities.
    public let brier: Double?
    /// How often a right token is surer than a wrong one, equal scores counting half: the area under the receiver operating
    /// characteristic; nil where all are right or all wrong.
    public let auroc: Double?
    /// One place for each score that occurs, from the surest tokens to all.
    public let risks: [Risk]

    /// Takes scores that rise with sureness; those that are not numbers are left out, and without any there is nothing to tell.
    public init?(_ scores: [(score: Double, agrees: Bool)], areProbabilities: Bool) {
        let sound = scores.filter { $0.score.isFinite }.sorted { $0.score > $1.score }
        guard !sound.isEmpty else { return nil }
        count = sound.count
        let right = sound.count(where: \.agrees)
        agreement = Double(right) / Double(count)
        reliability = areProbabilities ? Reliability(sound) : nil
        brier =
            areProbabilities
            ? sound.reduce(0) { $0 + ($1.score - ($1.agrees ? 1 : 0)) * ($1.score - ($1.agrees ? 1 : 0)) }
                / Double(count) : nil

        var risks: [Risk] = []
        var (kept, wrong, pairs) = (0, 0, 0.0)
        while kept < count {
            // Tokens of one score are kept or left together.
            let score = sound[kept].score
            let level = sound[kept...].prefix { $0.score == score }
            let rightHere = level.count(where: \.agrees)
            // Wrong tokens that are as sure, or surer, take from the pairs of right and wrong ones.
            pairs += Double(rightHere) * (Double(wrong) + Double(level.count - rightHere) / 2)
            (kept, wrong) = (kept + level.count, wrong + level.count - rightHere)
            risks.append(Risk(coverage: Double(kept) / Double(count), risk: Double(wrong) / Double(kept)))
        }
        self.risks = risks
        auroc = right > 0 && right < count ? 1 - pairs / (Double(right) * Double(count - right)) : nil
    }

    /// The area below the risk-coverage curve, by trapezia from the coverage of the surest tokens to all, and level before.
    public var riskArea: Double {
        var (area, last) = (0.0, Risk(coverage: 0, risk: risks[0].risk))
        for place in risks {
            area += (place.coverage - last.coverage) * (place.risk + last.risk) / 2
            last = place
        }
        return area
    }
}

extension ScoreCalibration {
    /// At most about a hundred of the places, those at the ends and evenly between them, which is what a drawing shows.
    var drawnRisks: [Risk] {
        var kept: [Risk] = []
        for (index, place) in risks.enumerated()
        where index == 0 || index == risks.count - 1 || place.coverage - (kept.last?.coverage ?? 0) >= 0.01 {
            kept.append(place)
        }
        return kept
    }
}
