/// Decides by the clock how many drafts pay.
///
/// Rounds show what a token costs without drafts, t, what a draft adds to that, b, and how often the next draft is accepted, a. So k
/// drafts bring (1 - a^(k+1)) / (1 - a) tokens (Leviathan et al. 2023, section 3.1) in the time t + b k, and the best k is taken.
/// Where that is none, drafts are off for a pause, which doubles each time; so a text loses few rounds to drafts that do not
/// pay.
struct DraftClock: Sendable {
    private enum Phase {
        /// Rounds without drafts, for the time they take or because drafts do not pay.
        case full(roundsLeft: Int)
        /// Short drafts, to learn what they cost and bring.
        case trying(roundsLeft: Int)
        case drafting
    }

    private static let (measured, tried, firstPause, longestPause, shortDraft) = (4, 3, 48, 1024, 2)
    private var phase = Phase.full(roundsLeft: measured)
    private var pause = firstPause
    private var secondsWithout = Mean()
    private var secondsPerDraft = Mean()
    private var acceptance = Mean()

    /// Drafts of the next round.
    func length(upTo longest: Int) -> Int {
        switch phase {
        case .full: 0
        case .trying: min(DraftClock.shortDraft, longest)
        case .drafting: best(upTo: longest)
        }
    }

    mutating func record(_ round: Round, longest: Int) {
        if round.length == 0 {
            secondsWithout.add(round.seconds)
        } else if round.drafted > 0 {
            secondsPerDraft.add(max(0, round.seconds - secondsWithout.value) / Double(round.drafted))
            for _ in 0..<round.accepted { acceptance.add(1) }
            if round.accepted < round.drafted { acceptance.add(0) }
        }
        switch phase {
        case .full(let left):
            phase = left > 1 ? .full(roundsLeft: left - 1) : .trying(roundsLeft: DraftClock.tried)
        case .trying(let left) where left > 1:
            phase = .trying(roundsLeft: left - 1)
        case .trying, .drafting:
            if best(upTo: longest) > 0 {
                phase = .drafting
                pause = DraftClock.firstPause
            } else {
                phase = .full(roundsLeft: pause)
                pause = min(2 * pause, DraftClock.longestPause)
                acceptance = Mean()
            }
        }
    }

    /// The number of drafts that brings most tokens a second; 0 where none bring more than rounds without.
    private func best(upTo longest: Int) -> Int {
        let (t, b, a) = (secondsWithout.value, secondsPerDraft.value, min(acceptance.value, 0.98))
        var (best, most) = (0, 1.0)
        var (tokens, chance) = (1.0, 1.0)
        for k in 1...longest {
            chance *= a
            tokens += chance
            let gain = tokens * t / (t + b * Double(k))
            if gain > most { (best, most) = (k, gain) }
        }
        return best
    }

    /// A mean in which old values fade.
    private struct Mean: Sendable {
        private var sum = 0.0
        private var weight = 0.0

        var value: Double { weight > 0 ? sum / weight : 0 }

        mutating func add(_ value: Double) {
            sum = 0.95 * sum + value
            weight = 0.95 * weight + 1
        }
    }
}
