/// Decides by the clock how many drafts pay.
///
/// Rounds show four things: the time t of a token without drafts; the time h of a look at exits that lets nothing go; the time b
/// that a draft adds; and how often exits let a row go, g, and the full model agrees, a. With at most k drafts a round brings
/// 1 + sum (g a)^j tokens (Leviathan et al. 2023, section 3.1, where g is 1) in the time t + h (1 - g^k) + b sum g^j, sums over j from 1
/// to k. The best k is taken; where none pays, drafts are off for a pause, which doubles each time.
struct DraftClock: Sendable {
    private enum Phase {
        /// The first round, in which memory is touched for the first time; it tells nothing.
        case first
        /// Rounds without drafts, for the time they take or because drafts do not pay.
        case full(roundsLeft: Int)
        /// Short drafts, to learn what they cost and bring.
        case trying(roundsLeft: Int)
        /// Drafts that pay, until a round without shows again what it takes.
        case drafting(roundsLeft: Int)
    }

    private static let (measured, tried, drafted) = (4, 3, 40)
    private static let (firstPause, longestPause, shortDraft) = (96, 1024, 2)
    private var phase = Phase.first
    private var pause = firstPause
    private var full = SteadyMean()
    private var failedLook = SteadyMean()
    private var draft = SteadyMean()
    private var letsGo = SteadyMean()
    private var agrees = SteadyMean.hopeful

    /// Drafts of the next round.
    func length(upTo longest: Int) -> Int {
        switch phase {
        case .first, .full: 0
        case .trying: min(DraftClock.shortDraft, longest)
        case .drafting: best(upTo: longest)
        }
    }

    mutating func record(_ round: Round, longest: Int) {
        if case .first = phase {
            phase = .full(roundsLeft: DraftClock.measured)
            return
        }
        learn(round)
        switch phase {
        case .first: break
        case .full(let left):
            phase = left > 1 ? .full(roundsLeft: left - 1) : .trying(roundsLeft: DraftClock.tried)
        case .trying(let left) where left > 1:
            phase = .trying(roundsLeft: left - 1)
        case .drafting(let left) where left > 1 && best(upTo: longest) > 0:
            phase = .drafting(roundsLeft: left - 1)
        case .trying, .drafting:
            if best(upTo: longest) == 0 {
                phase = .full(roundsLeft: pause)
                pause = min(2 * pause, DraftClock.longestPause)
                (failedLook, draft, letsGo, agrees) = (SteadyMean(), SteadyMean(), SteadyMean(), .hopeful)
            } else if case .drafting = phase {
                phase = .full(roundsLeft: 1)
                pause = DraftClock.firstPause
            } else {
                phase = .drafting(roundsLeft: DraftClock.drafted)
            }
        }
    }

    private mutating func learn(_ round: Round) {
        guard round.length > 0 else {
            full.addTime(round.seconds)
            return
        }
        let failed = round.drafted < round.length
        for _ in 0..<round.drafted { letsGo.add(1) }
        if failed { letsGo.add(0) }
        for _ in 0..<round.accepted { agrees.add(1) }
        if round.accepted < round.drafted { agrees.add(0) }
        if round.drafted == 0 {
            failedLook.addTime(max(0, round.seconds - full.value), atLeast: full.value / 4)
        } else {
            let rest = round.seconds - full.value - (failed ? failedLook.value : 0)
            draft.addTime(max(0, rest) / Double(round.drafted), atLeast: full.value / 2)
        }
    }

    /// The number of drafts that brings most tokens a second; 0 where none bring more than rounds without.
    private func best(upTo longest: Int) -> Int {
        let (t, h, b) = (full.value, failedLook.value, draft.value)
        let (g, a) = (letsGo.value, min(agrees.value, 0.98))
        var (best, most) = (0, 1.0)
        var (tokens, drafts, goes, kept) = (1.0, 0.0, 1.0, 1.0)
        for k in 1...longest {
            goes *= g
            kept *= g * a
            tokens += kept
            drafts += goes
            let gain = tokens * t / (t + h * (1 - goes) + b * drafts)
            if gain > most { (best, most) = (k, gain) }
        }
        return best
    }

    /// A mean in which old values fade, and times that something else has delayed count little.
    private struct SteadyMean: Sendable {
        private(set) var value = 0.0
        private var count = 0.0

        /// A share that is thought to be high until some rounds have shown otherwise: a few drafts say little.
        static let hopeful = SteadyMean(value: 0.8, count: 3)

        init() {}

        private init(value: Double, count: Double) { (self.value, self.count) = (value, count) }

        mutating func add(_ new: Double) {
            count = min(count + 1, 24)
            value += (new - value) / count
        }

        /// - Parameter floor: below this, a time is never taken for delayed.
        mutating func addTime(_ new: Double, atLeast floor: Double = 0) {
            add(count == 0 ? new : min(new, max(2 * value, floor)))
        }
    }
}
