/// Decides by the clock whether drafting pays.
///
/// Some rounds without drafts show what a token costs, then some with drafts are tried. Where those are slower, drafts are off
/// for a pause, which doubles each time; so a text loses few rounds to drafts that do not pay.
struct DraftClock: Sendable {
    private enum Phase {
        case full(roundsLeft: Int)
        case drafting(roundsLeft: Int)
    }

    private static let (measured, tried, firstPause, longestPause) = (4, 4, 48, 1024)
    private var phase = Phase.full(roundsLeft: measured)
    private var pause = firstPause
    private var full = Pace()
    private var drafting = Pace()

    /// Whether the next round may draft.
    var drafts: Bool {
        if case .drafting = phase { true } else { false }
    }

    mutating func record(_ round: Round) {
        switch phase {
        case .full(let left):
            full.add(round)
            if left > 1 {
                phase = .full(roundsLeft: left - 1)
            } else {
                drafting = Pace()
                phase = .drafting(roundsLeft: DraftClock.tried)
            }
        case .drafting(let left):
            drafting.add(round)
            if left > 1 {
                phase = .drafting(roundsLeft: left - 1)
            } else if drafting.secondsPerToken > full.secondsPerToken {
                phase = .full(roundsLeft: pause)
                pause = min(2 * pause, DraftClock.longestPause)
            } else {
                pause = DraftClock.firstPause
            }
        }
    }

    /// Seconds and tokens of recent rounds.
    private struct Pace: Sendable {
        private var seconds = 0.0
        private var tokens = 0.0

        var secondsPerToken: Double { seconds / max(tokens, 1) }

        mutating func add(_ round: Round) {
            seconds = 0.95 * seconds + round.seconds
            tokens = 0.95 * tokens + Double(round.accepted + 1)
        }
    }
}
