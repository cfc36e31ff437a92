#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// e^x in the precision of the checkpoint, for parameters that are stored as logarithms.
func exponential(_ x: Float) -> Float { exp(x) }
