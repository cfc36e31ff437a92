// Products of attention with blocks of f32.

/// A tile of scores is as large as one of products. That of values has two chains, and so half the rows.
enum { VALUE_ROWS = 3 };

#define WITH_VALUE_ROWS(rows, function, ...)           \
    switch (rows) {                                    \
    case 1: function(1, __VA_ARGS__); break;           \
    case 2: function(2, __VA_ARGS__); break;           \
    default: function(VALUE_ROWS, __VA_ARGS__); break; \
    }

typedef struct {
    floats at[TILE_ROWS][TILE_VECTORS];
} attention_tile;

/// Scores of the queries from `first` on for `vectors` vectors of positions from `column` on.
static inline ALWAYS void score_tile(int rows, int vectors, queries *q, int first, block *b, int64_t column) {
    const float *keys = (const float *)b->at.keys + column;
    ahead next = part_of_next(b, b->width / 2);
    attention_tile sums;
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) sums.at[m][n] = splat(0);
    }
    _Pragma("clang loop unroll_count(2)") for (int64_t d = 0; d < b->width; d++) {
        floats key[TILE_VECTORS];
        UNROLL for (int n = 0; n < vectors; n++) {
            key[n] = load(keys + d * DX_BLOCK + n * DX_LANES);
        }
        if (d % 2 == 1) ask_for(next, d / 2);
        UNROLL for (int m = 0; m < rows; m++) {
            floats x = splat(q->x[first + m][d]);
            UNROLL for (int n = 0; n < vectors; n++) sums.at[m][n] = FMA(x, key[n], sums.at[m][n]);
        }
    }
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) store(q->scores[first + m] + column + n * DX_LANES, sums.at[m][n]);
    }
}

static inline ALWAYS void score_rows(int rows, queries *q, int first, block *b, span any) {
    int64_t column = any.first / DX_LANES * DX_LANES;
    for (; column + (TILE_VECTORS - 1) * DX_LANES < any.last; column += TILE_VECTORS * DX_LANES) {
        score_tile(rows, TILE_VECTORS, q, first, b, column);
    }
    for (; TILE_VECTORS > 1 && column < any.last; column += DX_LANES) score_tile(rows, 1, q, first, b, column);
}

/// Adds the weighted values of position j to a chain.
static inline ALWAYS void add_position(
    int rows, int vectors, attention_tile *chain, const queries *q, int first, const float *values, int64_t j) {
    floats value[TILE_VECTORS];
    UNROLL for (int n = 0; n < vectors; n++) {
        value[n] = load(values + n * DX_LANES);
    }
    UNROLL for (int m = 0; m < rows; m++) {
        floats weight = splat(q->scores[first + m][j]);
        UNROLL for (int n = 0; n < vectors; n++) chain->at[m][n] = FMA(weight, value[n], chain->at[m][n]);
    }
}

/// Adds weighted values to queries from `first` on that see the same positions.
static inline ALWAYS void value_tile(int rows, int vectors, queries *q, int first, block *b, int64_t column) {
    int64_t stride = DX_VALUE_STRIDE(b->width), j = q->seen[first].first, last = q->seen[first].last;
    const float *values = (const float *)b->at.values + column;
    ahead next = part_of_next(b, DX_BLOCK / 2);
    attention_tile even, odd;
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) even.at[m][n] = odd.at[m][n] = splat(0);
    }
    if (j % 2 == 1) {
        add_position(rows, vectors, &odd, q, first, values + j * stride, j);
        j++;
    }
    for (; j + 1 < last; j += 2) {
        ask_for(next, j / 2);
        add_position(rows, vectors, &even, q, first, values + j * stride, j);
        add_position(rows, vectors, &odd, q, first, values + (j + 1) * stride, j + 1);
    }
    if (j < last) add_position(rows, vectors, &even, q, first, values + j * stride, j);
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) {
            float *y = q->y + (first + m) * stride + column + n * DX_LANES;
            store(y, FMA(load(y), splat(q->kept[first + m]), even.at[m][n] + odd.at[m][n]));
        }
    }
}

static inline ALWAYS void value_rows(int rows, queries *q, int first, block *b) {
    int64_t stride = DX_VALUE_STRIDE(b->width), column = 0;
    if (!sees_any(q, first)) return;
    for (; column + TILE_VECTORS * DX_LANES <= stride; column += TILE_VECTORS * DX_LANES) {
        value_tile(rows, TILE_VECTORS, q, first, b, column);
    }
    if (TILE_VECTORS > 2 && column + 2 * DX_LANES <= stride) {
        value_tile(rows, 2, q, first, b, column);
        column += 2 * DX_LANES;
    }
    if (TILE_VECTORS > 1 && column < stride) value_tile(rows, 1, q, first, b, column);
}

/// The next of so many rows that go together: even shares, for small tiles are slow.
static inline ALWAYS int share_of(int rows, int most) {
    int tiles = (rows + most - 1) / most;
    return (rows + tiles - 1) / tiles;
}

static NEVER void score_f32(queries *q, block *b, span any) {
    for (int first = 0; first < q->count;) {
        int rows = share_of(q->count - first, TILE_ROWS);
        WITH_ROWS(rows, score_rows, q, first, b, any)
        first += rows;
    }
}

/// How many queries from `first` on see the same positions.
static inline ALWAYS int alike(const queries *q, int first) {
    int rows = 1;
    while (first + rows < q->count && q->seen[first + rows].first == q->seen[first].first
           && q->seen[first + rows].last == q->seen[first].last) {
        rows++;
    }
    return rows;
}

static NEVER void add_values_f32(queries *q, block *b) {
    for (int first = 0, end; first < q->count;) {
        end = first + alike(q, first);
        while (first < end) {
            int rows = share_of(end - first, VALUE_ROWS);
            WITH_VALUE_ROWS(rows, value_rows, q, first, b)
            first += rows;
        }
    }
}
