#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

// The few functions of the C library's mathematics that other rooms need, so that none of them has to know which C library it is.

/// e^x.
package func exponential(_ x: Float) -> Float { exp(x) }

/// The natural logarithm.
package func logarithm(_ x: Float) -> Float { log(x) }

/// The natural logarithm.
package func logarithm(_ x: Double) -> Double { log(x) }

/// base^exponent.
package func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

/// The sine of an angle in radians.
package func sine(_ angle: Float) -> Float { sin(angle) }

/// The cosine of an angle in radians.
package func cosine(_ angle: Float) -> Float { cos(angle) }
