#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// e^x.
func exponential(_ x: Float) -> Float { exp(x) }
