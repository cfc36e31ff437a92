// Dot products of rows, in 16 interleaved sums that are added from first to last.

/// Lane i is the total of sums[i]. The sums are used up.
static inline ALWAYS floats totals_of(floats sums[16]) {
    transpose_lanes(sums);
    floats result = sums[0];
    UNROLL for (int i = 1; i < 16; i++) result = result + sums[i];
    return result;
}

/// to[i] = a[i] . b[i]
static void wide_dots(constant_rows a, constant_rows b, int64_t rows, int64_t width, float *to) {
    for (int64_t first = 0; first < rows; first += 16) {
        floats sums[16] = {0};
        for (int64_t row = first; row < dx_min(first + 16, rows); row++) {
            const float *left = a.at + row * a.stride, *right = b.at + row * b.stride;
            for (int64_t i = 0; i < width; i += 16) {
                sums[row - first] = FMA(load_part(left + i, width - i), load_part(right + i, width - i), sums[row - first]);
            }
        }
        store_part(to + first, totals_of(sums), rows - first);
    }
}
