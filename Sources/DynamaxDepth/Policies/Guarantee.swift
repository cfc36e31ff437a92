/// What a text promises to have in common with the full model's.
public enum Guarantee: String, CaseIterable, Sendable {
    /// No token leaves early.
    case off
    /// The tokens are the full model's: exits draft, the other layers verify.
    case exact
    /// The expected divergence is bounded: exits decide with a certified threshold.
    case bounded
    /// Nothing: exits decide.
    case none
}
