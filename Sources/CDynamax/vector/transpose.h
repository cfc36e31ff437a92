// Transposition, 16 by 16 numbers at a time.

#define PAIR_QUARTERS(a, b, i, j, k, l)                                                                            \
    __builtin_shufflevector(                                                                                       \
        a, b, i, j, k, l, i + 4, j + 4, k + 4, l + 4, i + 8, j + 8, k + 8, l + 8, i + 12, j + 12, k + 12, l + 12)
#define EVEN_QUARTERS(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define ODD_QUARTERS(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)

/// Lane i of v[j] changes places with lane j of v[i].
static inline ALWAYS void transpose_lanes(floats v[16]) {
    floats quarters[4][4];  // [g][c]: of rows 4 g to 4 g + 3, quarter q holds column 4 q + c
    UNROLL for (int g = 0; g < 4; g++) {
        floats *rows = v + 4 * g;
        floats low = PAIR_QUARTERS(rows[0], rows[1], 0, 16, 1, 17), high = PAIR_QUARTERS(rows[0], rows[1], 2, 18, 3, 19);
        floats next_low = PAIR_QUARTERS(rows[2], rows[3], 0, 16, 1, 17);
        floats next_high = PAIR_QUARTERS(rows[2], rows[3], 2, 18, 3, 19);
        quarters[g][0] = PAIR_QUARTERS(low, next_low, 0, 1, 16, 17);
        quarters[g][1] = PAIR_QUARTERS(low, next_low, 2, 3, 18, 19);
        quarters[g][2] = PAIR_QUARTERS(high, next_high, 0, 1, 16, 17);
        quarters[g][3] = PAIR_QUARTERS(high, next_high, 2, 3, 18, 19);
    }
    UNROLL for (int c = 0; c < 4; c++) {
        floats even = EVEN_QUARTERS(quarters[0][c], quarters[1][c]), odd = ODD_QUARTERS(quarters[0][c], quarters[1][c]);
        floats next_even = EVEN_QUARTERS(quarters[2][c], quarters[3][c]);
        floats next_odd = ODD_QUARTERS(quarters[2][c], quarters[3][c]);
        v[c] = EVEN_QUARTERS(even, next_even);
        v[4 + c] = EVEN_QUARTERS(odd, next_odd);
        v[8 + c] = ODD_QUARTERS(even, next_even);
        v[12 + c] = ODD_QUARTERS(odd, next_odd);
    }
}

/// Up to 16 rows and columns; writes `stored` numbers of each column, zeros past the rows. A tile that `streams` goes around
/// the caches where it is whole; it must be aligned.
static inline ALWAYS void transpose_tile(
    bool streams, const float *x, int64_t x_stride, int64_t rows, int64_t columns, float *y, int64_t y_stride, int64_t stored) {
    floats v[16];
    if (rows >= 16 && columns >= 16 && stored >= 16) {
        UNROLL for (int i = 0; i < 16; i++) v[i] = load(x + i * x_stride);
        transpose_lanes(v);
        UNROLL for (int i = 0; i < 16; i++) {
            if (streams) __builtin_nontemporal_store(v[i], (floats *)(y + i * y_stride));
            else store(y + i * y_stride, v[i]);
        }
        return;
    }
    UNROLL for (int i = 0; i < 16; i++) v[i] = i < rows ? load_part(x + i * x_stride, columns) : splat(0);
    transpose_lanes(v);
    UNROLL for (int i = 0; i < 16; i++) {
        if (i < columns) store_part(y + i * y_stride, v[i], stored);
    }
}

/// y[c][r] = x[r][c] for c below `columns` and r below `stored`, 0 where r is not below `rows`.
static void transpose_rows(
    const float *x, int64_t x_stride, int64_t rows, int64_t columns, float *y, int64_t y_stride, int64_t stored) {
    for (int64_t c = 0; c < columns; c += 16) {
        for (int64_t r = 0; r < stored; r += 16) {
            transpose_tile(
                false, x + r * x_stride + c, x_stride, rows - r, columns - c, y + c * y_stride + r, y_stride, stored - r);
        }
    }
}
