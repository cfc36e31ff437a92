// Matrices rounded to bf16, in the layouts of mixed products. All of them are made of pairs, two bf16 numbers in a lane:
// neighbours in a row, or one below the other, transposed or not.

/// Neighbours in a row: lane i holds x[2 i] and x[2 i + 1].
static inline ALWAYS uints pairs_along(const float *x, int64_t count) {
    floats low = count > 0 ? load_part(x, count) : splat(0), high = count > 16 ? load_part(x + 16, count - 16) : splat(0);
    floats even = __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    floats odd = __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return pairs_of(even, odd);
}

/// Two rows of which `rows` exist: lane i holds x[0][i] and x[1][i].
static inline ALWAYS uints pairs_down(const float *x, int64_t stride, int64_t rows, int64_t count) {
    return pairs_of(rows > 0 ? load_part(x, count) : splat(0), rows > 1 ? load_part(x + stride, count) : splat(0));
}

static inline ALWAYS void store_pairs(uint16_t *y, uints pairs) {
    __builtin_memcpy(y, &pairs, sizeof pairs);
}

static void mixed_rows(const void *arguments, int64_t from, int64_t to) {
    const dx_mixed_operand *p = arguments;
    for (int64_t row = from * DX_LANES; row < to * DX_LANES; row++) {
        for (int64_t k = 0; k < p->inputs; k += DX_MIXED_STEP) {
            uints pairs = {0};
            if (row < p->rows) pairs = pairs_along(p->x + row * p->x_stride + k, p->columns - k);
            store_pairs(p->y + dx_mixed_place(p->inputs, row, k), pairs);
        }
    }
}

static void mixed_columns(const void *arguments, int64_t from, int64_t to) {
    const dx_mixed_operand *p = arguments;
    for (int64_t block = from; block < to; block++) {
        int64_t column = block * DX_LANES, count = p->columns - column;
        for (int64_t k = 0; k < p->inputs; k += DX_MIXED_STEP) {
            floats v[16];
            UNROLL for (int i = 0; i < 16; i++) {
                int64_t row = k + 2 * i;
                v[i] = (floats)pairs_down(p->x + row * p->x_stride + column, p->x_stride, p->rows - row, count);
            }
            transpose_lanes(v);
            UNROLL for (int i = 0; i < 16; i++) {
                store_pairs(p->y + dx_mixed_place(p->inputs, column + i, k), (uints)v[i]);
            }
        }
    }
}

static void mixed_packed_rows(const void *arguments, int64_t from, int64_t to) {
    const dx_mixed_operand *p = arguments;
    for (int64_t block = from; block < to; block++) {
        int64_t row = block * DX_LANES, count = p->rows - row;
        for (int64_t k = 0; k < p->inputs; k += DX_MIXED_STEP) {
            floats v[16];
            UNROLL for (int i = 0; i < 16; i++) {
                v[i] = i < count ? (floats)pairs_along(p->x + (row + i) * p->x_stride + k, p->columns - k) : splat(0);
            }
            transpose_lanes(v);
            UNROLL for (int i = 0; i < 16; i++) {
                store_pairs(p->y + (block * p->inputs / 2 + k / 2 + i) * 2 * DX_LANES, (uints)v[i]);
            }
        }
    }
}

static void mixed_packed_columns(const void *arguments, int64_t from, int64_t to) {
    const dx_mixed_operand *p = arguments;
    for (int64_t block = from; block < to; block++) {
        int64_t column = block * DX_LANES;
        for (int64_t k = 0; k < p->inputs; k += 2) {
            const float *x = p->x + k * p->x_stride + column;
            uints pairs = pairs_down(x, p->x_stride, p->rows - k, p->columns - column);
            store_pairs(p->y + (block * p->inputs / 2 + k / 2) * 2 * DX_LANES, pairs);
        }
    }
}
