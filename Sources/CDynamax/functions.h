// The transcendental functions of the kernels, over FLOATS and UINTS: float and uint32_t, or vectors of them. One source
// for scalar and vector code, made of operations that round alike everywhere, so both give the same bits.
// The coefficients are interpolations at Chebyshev nodes, rounded to f32.

static inline ALWAYS UINTS bits_of(FLOATS x) {
    UINTS bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline ALWAYS FLOATS float_of(UINTS bits) {
    FLOATS x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

/// exp(x) within 1 ulp: x = n ln 2 + r, |r| <= ln 2 / 2, exp(x) = 2^n (1 + r + r^2 q(r)). NaN stays NaN.
static inline ALWAYS FLOATS exponential(FLOATS x) {
    x = x < (FLOATS)(-104.0f) ? (FLOATS)(-104.0f) : x;  // exp is 0 below and infinite above, subnormal results included
    x = x > (FLOATS)(89.0f) ? (FLOATS)(89.0f) : x;
    FLOATS magic = (FLOATS)(0x1.8p23f);  // adding it leaves the nearest integer in the low bits
    FLOATS shifted = FMA(x, (FLOATS)(0x1.715476p+0f), magic);
    FLOATS n = shifted - magic;
    FLOATS r = FMA(n, (FLOATS)(-0x1.62e43p-1f), x);
    r = FMA(n, (FLOATS)(1.90465430e-9f), r);
    FLOATS q = (FLOATS)(0x1.6d117cp-10f);
    q = FMA(q, r, (FLOATS)(0x1.120be2p-7f));
    q = FMA(q, r, (FLOATS)(0x1.555518p-5f));
    q = FMA(q, r, (FLOATS)(0x1.5554dcp-3f));
    q = FMA(q, r, (FLOATS)(0.5f));
    FLOATS result = FMA(r * r, q, r) + (FLOATS)(1.0f);
#if defined(SCALE)
    return SCALE(result, n);
#else
    // 2^n in two factors, since n goes from -150 to 128: n = (half - 512) + (n - half + 512), with half = n / 2 + 512.
    UINTS whole = bits_of(shifted) - bits_of(magic);
    UINTS half = (whole + 1024) >> 1;
    return result * float_of((half - (512 - 127)) << 23) * float_of((whole - half + (512 + 127)) << 23);
#endif
}

/// 2^x within 1.2 ulp for x up to 1; 0 below -125.5, for subnormal numbers are slow wherever they go. NaN stays NaN.
/// x = n + f, |f| <= 1 / 2, and 2^x = 2^(n - 1) 2 (2^f), so that the exponent is 0 for the smallest n.
static inline ALWAYS FLOATS power_of_two(FLOATS x) {
    x = x < (FLOATS)(-126.0f) ? (FLOATS)(-126.0f) : x;
    FLOATS magic = (FLOATS)(0x1.8p23f + 126);  // adding it leaves n + 126 in the low bits
    FLOATS shifted = x + magic;
    FLOATS f = x - (shifted - magic);
    FLOATS p = (FLOATS)(0x1.44138ap-12f);
    p = FMA(p, f, (FLOATS)(0x1.5f0890p-9f));
    p = FMA(p, f, (FLOATS)(0x1.3b2a54p-6f));
    p = FMA(p, f, (FLOATS)(0x1.c6af6cp-4f));
    p = FMA(p, f, (FLOATS)(0x1.ebfbe0p-2f));
    p = FMA(p, f, (FLOATS)(0x1.62e430p+0f));
    p = FMA(p, f, (FLOATS)(2.0f));
    return p * float_of(bits_of(shifted) << 23);
}

/// x / (1 + exp(-x))
static inline ALWAYS FLOATS silu(FLOATS x) {
    return x / ((FLOATS)(1.0f) + exponential(-x));
}

/// log(1 + exp(x)) = max(x, 0) + log1p(u), u = exp(-|x|), log1p(u) = 2 atanh(u / (2 + u)).
static inline ALWAYS FLOATS softplus(FLOATS x) {
    FLOATS positive = x > (FLOATS)(0.0f) ? x : (FLOATS)(0.0f);
    FLOATS u = exponential(x > (FLOATS)(0.0f) ? -x : x);
    FLOATS s = u / ((FLOATS)(2.0f) + u);
    FLOATS t = s * s;
    FLOATS p = (FLOATS)(0x1.dba26p-3f);
    p = FMA(p, t, (FLOATS)(0x1.bc8cf8p-3f));
    p = FMA(p, t, (FLOATS)(0x1.24c926p-2f));
    p = FMA(p, t, (FLOATS)(0x1.9998d4p-2f));
    p = FMA(p, t, (FLOATS)(0x1.555556p-1f));
    p = FMA(p * t, s, s + s);
    return positive + p;
}

/// 1 / (1 + exp(-x)), the slope of softplus.
static inline ALWAYS FLOATS sigmoid(FLOATS x) {
    return (FLOATS)(1.0f) / ((FLOATS)(1.0f) + exponential(-x));
}

/// The slope of silu, from s = sigmoid(x).
static inline ALWAYS FLOATS silu_slope(FLOATS x, FLOATS s) {
    return s * FMA(x, (FLOATS)(1.0f) - s, (FLOATS)(1.0f));
}

/// A product of decays, 0 once it is so small that products with it would be subnormal, which are slow.
static inline ALWAYS FLOATS remaining(FLOATS decay) {
    return decay < (FLOATS)(0x1p-100f) ? (FLOATS)(0.0f) : decay;
}
