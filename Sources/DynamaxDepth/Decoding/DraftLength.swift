/// What one round of drafting and verifying brought.
struct Round {
    /// Drafts that were allowed.
    var length: Int
    var drafted: Int
    var accepted: Int
    var seconds: Double
}

/// How many tokens are drafted before they are verified.
///
/// The adaptive rule lengthens drafts by two when all were accepted and else shortens them by one (as assisted generation in
/// transformers does), and times rounds with and without drafts: while drafting is not the faster way, it is off, and tried again
/// for a few rounds after pauses that grow. The tokens do not depend on it.
public struct DraftLength: Sendable {
    /// The longest drafts that may come.
    public let longest: Int
    private var length: Int
    private var clock: DraftClock?

    private init(length: Int, longest: Int, clock: DraftClock?) {
        self.length = length
        self.longest = longest
        self.clock = clock
    }

    /// Always as many, 0 or more.
    public static func fixed(_ length: Int) -> DraftLength {
        precondition(length >= 0)
        return DraftLength(length: length, longest: length, clock: nil)
    }

    /// As many as pay, up to `longest`.
    public static func adaptive(upTo longest: Int = 12) -> DraftLength {
        precondition(longest >= 1)
        return DraftLength(length: min(3, longest), longest: longest, clock: DraftClock())
    }

    /// The length of the next round.
    func next() -> Int {
        clock?.drafts ?? true ? length : 0
    }

    /// Learns from a round.
    mutating func record(_ round: Round) {
        guard clock != nil else { return }
        clock?.record(round)
        guard round.length > 0 else { return }
        length = round.accepted == round.length ? length + 2 : round.accepted < round.drafted ? length - 1 : length
        length = min(max(length, 1), longest)
    }
}
