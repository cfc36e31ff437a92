/// What one round of drafting and verifying brought.
struct Round {
    /// Drafts that were allowed.
    var length: Int
    var drafted: Int
    var accepted: Int
    var seconds: Double
}

/// How many tokens are drafted before they are verified. The text does not depend on it.
public struct DraftLength: Sendable {
    /// The longest drafts that may come.
    public let longest: Int
    private var clock: DraftClock?

    private init(longest: Int, clock: DraftClock?) {
        self.longest = longest
        self.clock = clock
    }

    /// Always as many, 0 or more.
    public static func fixed(_ length: Int) -> DraftLength {
        precondition(length >= 0)
        return DraftLength(longest: length, clock: nil)
    }

    /// As many as pay by the clock, up to `longest`, and none while none pay.
    public static func adaptive(upTo longest: Int = 12) -> DraftLength {
        precondition(longest >= 1)
        return DraftLength(longest: longest, clock: DraftClock())
    }

    /// The length of the next round.
    func next() -> Int { clock?.length(upTo: longest) ?? longest }

    /// Learns from a round.
    mutating func record(_ round: Round) { clock?.record(round, longest: longest) }
}
