// Dot products of rows.

/// In 16 interleaved sums, added from first to last.
static inline ALWAYS float wide_dot(const float *a, const float *b, int64_t width) {
    floats sums = splat(0);
    for (int64_t i = 0; i < width; i += 16) sums = FMA(load_part(a + i, width - i), load_part(b + i, width - i), sums);
    return total(sums);
}
