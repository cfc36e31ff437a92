// Products of attention with blocks of bf16, for processors without matrix instructions; see mixed_product.h.

/// Subnormal numbers are zeros.
static inline ALWAYS void store_bf16(uint16_t *to, floats x) {
    floats size = __builtin_elementwise_abs(x);
    half_lanes v = __builtin_convertvector(rounded(size < splat(0x1p-126f) ? splat(0) : x), half_lanes);
    __builtin_memcpy(to, &v, sizeof v);
}

enum { MIXED_TILE_ROWS = TILE_VECTORS > 1 ? 6 : 3, MIXED_TILE_VECTORS = TILE_VECTORS > 1 ? 2 : 1 };

typedef struct {
    floats at[TILE_ROWS][MIXED_TILE_VECTORS];
} pair_tile;

/// Sums of products over `steps`, for `vectors` vectors of outputs: x is rows of bf16, `weights` pairs, `stride` pairs apart.
static inline ALWAYS void add_pairs(
    int rows, int vectors, bool carefully, pair_tile *sums, const uint16_t *x, int64_t row_apart, int64_t step_apart,
    const uint16_t *weights, block *from, int64_t stride, int64_t steps) {
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) sums->at[m][n] = splat(0);
    }
    for (int64_t step = 0; step < steps; step++) {
        ahead next = part_of_next(from, DX_MIXED_STEP / 4);
        pair_tile even, odd;
        UNROLL for (int m = 0; m < rows; m++) {
            UNROLL for (int n = 0; n < vectors; n++) even.at[m][n] = odd.at[m][n] = splat(0);
        }
        for (int64_t i = 0; i < DX_MIXED_STEP / 2; i++) {
            if (i % 2 == 1) ask_for(next, i / 2);
            floats first[MIXED_TILE_VECTORS], second[MIXED_TILE_VECTORS];
            UNROLL for (int n = 0; n < vectors; n++) {
                int64_t place = ((step * DX_MIXED_STEP / 2 + i) * stride + n * DX_LANES) * 2;
                uints pairs = (uints)load_ints(weights + place);
                first[n] = first_bf16(pairs);
                second[n] = second_bf16(pairs);
            }
            UNROLL for (int m = 0; m < rows; m++) {
                uint32_t pair;
                __builtin_memcpy(&pair, x + m * row_apart + step * step_apart + 2 * i, sizeof pair);
                floats one = first_bf16((uints)(pair)), other = second_bf16((uints)(pair));
                UNROLL for (int n = 0; n < vectors; n++) {
                    even.at[m][n] = flushing_fma(carefully, one, first[n], even.at[m][n]);
                    odd.at[m][n] = flushing_fma(carefully, other, second[n], odd.at[m][n]);
                }
            }
        }
        UNROLL for (int m = 0; m < rows; m++) {
            UNROLL for (int n = 0; n < vectors; n++) sums->at[m][n] = settled(sums->at[m][n] + (even.at[m][n] + odd.at[m][n]));
        }
    }
}

static inline ALWAYS void pair_sums(
    int rows, int vectors, pair_tile *sums, const uint16_t *x, int64_t row_apart, int64_t step_apart, const uint16_t *weights,
    block *from, int64_t stride, int64_t steps) {
    forget_flushed();
    add_pairs(rows, vectors, false, sums, x, row_apart, step_apart, weights, from, stride, steps);
    if (sums_are_doubtful()) add_pairs(rows, vectors, true, sums, x, row_apart, step_apart, weights, from, stride, steps);
}

static inline ALWAYS void mixed_score_tile(
    int rows, int vectors, queries *q, const uint16_t *x, int first, const pair_block *b, int64_t column) {
    pair_tile sums;
    pair_sums(
        rows, vectors, &sums, x + dx_mixed_place(b->key_width, first, 0), DX_MIXED_STEP, DX_LANES * DX_MIXED_STEP,
        b->keys + column * 2, b->from, DX_BLOCK, b->key_width / DX_MIXED_STEP);
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) store(q->scores[first + m] + column + n * DX_LANES, sums.at[m][n]);
    }
}

static inline ALWAYS void mixed_score_rows(
    int rows, queries *q, const uint16_t *x, int first, const pair_block *b, span any) {
    int64_t column = any.first / DX_LANES * DX_LANES;
    for (; column + (MIXED_TILE_VECTORS - 1) * DX_LANES < any.last; column += MIXED_TILE_VECTORS * DX_LANES) {
        mixed_score_tile(rows, MIXED_TILE_VECTORS, q, x, first, b, column);
    }
    for (; MIXED_TILE_VECTORS > 1 && column < any.last; column += DX_LANES) {
        mixed_score_tile(rows, 1, q, x, first, b, column);
    }
}

/// Rows of a tile from `first` on: they lie in one block of DX_LANES rows.
static inline ALWAYS int mixed_rows_from(const queries *q, int first) {
    int64_t left = dx_min(q->count, (first / DX_LANES + 1) * DX_LANES) - first;
    return (int)dx_min(left, MIXED_TILE_ROWS);
}

static NEVER void score_mixed(queries *q, const uint16_t *x, const pair_block *b, span any) {
    float_control control = begin_flushing();
    for (int first = 0; first < q->count;) {
        int rows = mixed_rows_from(q, first);
        WITH_ROWS(rows, mixed_score_rows, q, x, first, b, any)
        first += rows;
    }
    end_flushing(control);
}

static inline ALWAYS void mixed_value_tile(int rows, int vectors, queries *q, int first, const pair_block *b, int64_t column, float *sums) {
    pair_tile tile;
    pair_sums(
        rows, vectors, &tile, q->weights[first], DX_BLOCK, DX_MIXED_STEP, b->values + column * 2, b->from,
        b->stride, DX_BLOCK / DX_MIXED_STEP);
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) store(sums + (m * vectors + n) * DX_LANES, tile.at[m][n]);
    }
}

static inline ALWAYS void mixed_value_rows(int rows, queries *q, int first, const pair_block *b, int64_t column, int64_t columns, float *sums) {
    if (columns > DX_LANES) mixed_value_tile(rows, MIXED_TILE_VECTORS, q, first, b, column, sums);
    else mixed_value_tile(rows, 1, q, first, b, column, sums);
}

static NEVER void add_values_mixed(queries *q, const pair_block *b) {
    _Alignas(64) float sums[TILE_ROWS * MIXED_TILE_VECTORS * DX_LANES];
    for (int first = 0; first < q->count;) {
        int rows = (int)dx_min(q->count - first, MIXED_TILE_ROWS);
        for (int64_t column = 0, columns; column < b->stride; column += columns) {
            columns = dx_min(b->stride - column, MIXED_TILE_VECTORS * DX_LANES);
            float_control control = begin_flushing();
            WITH_ROWS(rows, mixed_value_rows, q, first, b, column, columns, sums)
            end_flushing(control);
            keep_sums(q, first, rows, column, columns, sums, b->stride);
        }
        first += rows;
    }
}
