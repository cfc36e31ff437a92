// Products of attention with blocks of f32.

/// A tile of scores is as large as one of products. That of values has two chains, and so half the outputs.
enum { VALUE_ROWS = TILE_VECTORS > 1 ? 6 : 3, VALUE_VECTORS = TILE_VECTORS > 1 ? 2 : 1 };

typedef struct {
    floats at[TILE_ROWS][TILE_VECTORS];
} attention_tile;

/// Scores of the queries from `first` on for `vectors` vectors of positions from `column` on.
static inline ALWAYS void score_tile(int rows, int vectors, queries *q, int first, const block *b, int64_t column) {
    const float *keys = (const float *)b->at.keys + column, *next = (const float *)b->next.keys + column;
    attention_tile sums;
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) sums.at[m][n] = splat(0);
    }
    _Pragma("clang loop unroll_count(2)") for (int64_t d = 0; d < b->width; d++) {
        floats key[TILE_VECTORS];
        UNROLL for (int n = 0; n < vectors; n++) {
            key[n] = load(keys + d * DX_BLOCK + n * DX_LANES);
            ask_for(next + d * DX_BLOCK + n * DX_LANES);
        }
        UNROLL for (int m = 0; m < rows; m++) {
            floats x = splat(q->x[first + m][d]);
            UNROLL for (int n = 0; n < vectors; n++) sums.at[m][n] = FMA(x, key[n], sums.at[m][n]);
        }
    }
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) store(q->scores[first + m] + column + n * DX_LANES, sums.at[m][n]);
    }
}

static inline ALWAYS void score_rows(int rows, queries *q, int first, const block *b, span any) {
    int64_t column = any.first / DX_LANES * DX_LANES;
    for (; column + (TILE_VECTORS - 1) * DX_LANES < any.last; column += TILE_VECTORS * DX_LANES) {
        score_tile(rows, TILE_VECTORS, q, first, b, column);
    }
    for (; TILE_VECTORS > 1 && column < any.last; column += DX_LANES) score_tile(rows, 1, q, first, b, column);
}

/// Adds weighted values to queries from `first` on that see the same positions.
static inline ALWAYS void value_tile(int rows, int vectors, queries *q, int first, const block *b, int64_t column) {
    int64_t stride = DX_VALUE_STRIDE(b->width);
    const float *values = (const float *)b->at.values + column, *next = (const float *)b->next.values + column;
    span seen = q->seen[first];
    attention_tile even, odd;
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) even.at[m][n] = odd.at[m][n] = splat(0);
    }
#define ADD_POSITION(chain, j)                                                                                        \
    {                                                                                                                 \
        floats value[VALUE_VECTORS];                                                                                  \
        UNROLL for (int n = 0; n < vectors; n++) {                                                                    \
            value[n] = load(values + (j) * stride + n * DX_LANES);                                                    \
            ask_for(next + (j) * stride + n * DX_LANES);                                                              \
        }                                                                                                             \
        UNROLL for (int m = 0; m < rows; m++) {                                                                       \
            floats weight = splat(q->scores[first + m][j]);                                                           \
            UNROLL for (int n = 0; n < vectors; n++) chain.at[m][n] = FMA(weight, value[n], chain.at[m][n]);          \
        }                                                                                                             \
    }
    int64_t j = seen.first;
    if (j % 2 == 1) {
        ADD_POSITION(odd, j)
        j++;
    }
    for (; j + 1 < seen.last; j += 2) {
        ADD_POSITION(even, j)
        ADD_POSITION(odd, j + 1)
    }
    if (j < seen.last) ADD_POSITION(even, j)
#undef ADD_POSITION
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) {
            float *y = q->y + (first + m) * stride + column + n * DX_LANES;
            store(y, FMA(load(y), splat(q->kept[first + m]), even.at[m][n] + odd.at[m][n]));
        }
    }
}

static inline ALWAYS void value_rows(int rows, queries *q, int first, const block *b) {
    int64_t stride = DX_VALUE_STRIDE(b->width), column = 0, wide = VALUE_VECTORS * DX_LANES;
    if (!sees_any(q, first)) return;
    for (; column + wide <= stride; column += wide) value_tile(rows, VALUE_VECTORS, q, first, b, column);
    for (; VALUE_VECTORS > 1 && column < stride; column += DX_LANES) value_tile(rows, 1, q, first, b, column);
}

/// The tiles ask for the next block while they read this one; for many queries that is too seldom to matter.
static NEVER void score_f32(queries *q, const block *b, span any) {
    int left = (q->count + TILE_ROWS - 1) / TILE_ROWS;
    for (int first = 0; left > 0; left--) {
        int rows = (q->count - first + left - 1) / left;
        WITH_ROWS(rows, score_rows, q, first, b, any)
        first += rows;
    }
}

/// How many queries from `first` on, at most so many as a tile has, see the same positions.
static inline ALWAYS int alike(const queries *q, int first, int most) {
    int rows = 1;
    while (rows < most && first + rows < q->count && q->seen[first + rows].first == q->seen[first].first
           && q->seen[first + rows].last == q->seen[first].last) {
        rows++;
    }
    return rows;
}

static NEVER void add_values_f32(queries *q, const block *b) {
    for (int first = 0; first < q->count;) {
        int rows = alike(q, first, VALUE_ROWS);
        WITH_ROWS(rows, value_rows, q, first, b)
        first += rows;
    }
}
