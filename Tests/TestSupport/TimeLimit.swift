public import Testing

extension Trait where Self == TimeLimitTrait {
    /// Ends a test that hangs.
    ///
    /// All tests run at once, so that even one of seconds can take minutes where processors are few and slow: this is far longer than that.
    public static var mayNotHang: Self { .timeLimit(.minutes(15)) }
}
