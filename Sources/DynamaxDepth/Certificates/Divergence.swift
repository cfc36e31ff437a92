public import DynamaxTensor

/// What is bounded (Schuster et al. 2022, CALM, section 4.1).
public enum Consistency: String, CaseIterable, Sendable {
    /// The divergence of the text from the full model's.
    case textual
    /// How much farther the text is from a reference than the full model's is; 0 where it is nearer.
    case risk
}

/// How far a text is from the full model's, from 0 for none to 1 (textual consistency: Schuster et al. 2022, section 4.1).
public enum Divergence: String, CaseIterable, Sendable {
    /// 1 - F1 of the tokens, each counted as often as it occurs.
    case tokenF1 = "token-f1"
    /// 1 - F-measure of the longest common subsequence of tokens (Lin 2004).
    case rougeL = "rouge-l"
    /// 0 where the texts are equal, else 1.
    case exactMatch = "exact-match"

    /// The divergence of two texts.
    public func value(_ text: [Token], from full: [Token]) -> Double {
        if text == full { return 0 }
        let common: Int
        switch self {
        case .exactMatch: return 1
        case .tokenF1:
            var left = full.reduce(into: [Token: Int]()) { $0[$1, default: 0] += 1 }
            common = text.reduce(0) { count, token in
                guard let some = left[token], some > 0 else { return count }
                left[token] = some - 1
                return count + 1
            }
        case .rougeL: common = Divergence.longestCommonSubsequence(text, full)
        }
        return 1 - 2 * Double(common) / Double(text.count + full.count)
    }

    private static func longestCommonSubsequence(_ a: [Token], _ b: [Token]) -> Int {
        var row = [Int](repeating: 0, count: b.count + 1)
        for x in a {
            var diagonal = 0
            for (index, y) in b.enumerated() {
                let above = row[index + 1]
                row[index + 1] = x == y ? diagonal + 1 : max(above, row[index])
                diagonal = above
            }
        }
        return row[b.count]
    }
}
