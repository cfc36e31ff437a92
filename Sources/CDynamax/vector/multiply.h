// Products of matrices in memory, for gradients: y (+)= x w, each element one chain in the order of k.

/// Element (i, j) of a matrix is at[i * stride + j].
typedef struct {
    const float *at;
    int64_t stride;
} constant_rows;

typedef struct {
    float *at;
    int64_t stride;
} variable_rows;

/// Element (m, k) of the left factor is at[m * row + k * step].
typedef struct {
    const float *at;
    int64_t row, step;
} factor;

static inline ALWAYS constant_rows constant_of(variable_rows rows) {
    return (constant_rows){rows.at, rows.stride};
}

static inline ALWAYS constant_rows rows_from(constant_rows rows, int64_t row) {
    return (constant_rows){rows.at + row * rows.stride, rows.stride};
}

static inline ALWAYS variable_rows variable_rows_from(variable_rows rows, int64_t row) {
    return (variable_rows){rows.at + row * rows.stride, rows.stride};
}

static inline ALWAYS constant_rows columns_from(constant_rows rows, int64_t column) {
    return (constant_rows){rows.at + column, rows.stride};
}

static inline ALWAYS factor by_rows(constant_rows matrix) {
    return (factor){matrix.at, matrix.stride, 1};
}

static inline ALWAYS factor by_columns(constant_rows matrix) {
    return (factor){matrix.at, 1, matrix.stride};
}

static inline ALWAYS void clear_rows(variable_rows rows, int64_t count, int64_t width) {
    for (int64_t i = 0; i < count; i++) memset(rows.at + i * rows.stride, 0, (size_t)width * sizeof(float));
}

/// `columns` is of use where the tile is one part of a vector.
static inline ALWAYS void multiply_tile(
    int rows, int vectors, bool is_part, factor x, constant_rows w, int64_t depth, variable_rows y, int64_t columns, bool fresh) {
    tile sums;
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) {
            const float *at = y.at + m * y.stride + n * DX_LANES;
            sums.at[m][n] = fresh ? splat(0) : is_part ? load_masked(at, columns) : load(at);
        }
    }
    for (int64_t k = 0; k < depth; k++) {
        floats weights[TILE_VECTORS];
        UNROLL for (int n = 0; n < vectors; n++) {
            const float *at = w.at + k * w.stride + n * DX_LANES;
            weights[n] = is_part ? load_masked(at, columns) : load(at);
        }
        UNROLL for (int m = 0; m < rows; m++) {
            floats input = splat(x.at[m * x.row + k * x.step]);
            UNROLL for (int n = 0; n < vectors; n++) sums.at[m][n] = FMA(input, weights[n], sums.at[m][n]);
        }
    }
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) {
            float *at = y.at + m * y.stride + n * DX_LANES;
            if (is_part) store_masked(at, sums.at[m][n], columns);
            else store(at, sums.at[m][n]);
        }
    }
}

/// All rows of one tile's columns, in tiles of about equal height.
static inline ALWAYS void multiply_columns(
    int vectors, bool is_part, int64_t rows, factor x, constant_rows w, int64_t depth, variable_rows y, int64_t columns,
    bool fresh) {
    int64_t left = (rows + TILE_ROWS - 1) / TILE_ROWS;
    for (int64_t m = 0; left > 0; left--) {
        int64_t count = (rows - m + left - 1) / left;
        factor part = {x.at + m * x.row, x.row, x.step};
        variable_rows to = {y.at + m * y.stride, y.stride};
        WITH_ROWS(count, multiply_tile, vectors, is_part, part, w, depth, to, columns, fresh)
        m += count;
    }
}

/// y[m][n] = sum over k of x[m][k] w[k][n], from 0 or (not `fresh`) from what y holds.
static void multiply(
    int64_t rows, int64_t columns, int64_t depth, factor x, constant_rows w, variable_rows y, bool fresh) {
    enum { WIDE = TILE_VECTORS * DX_LANES, HALF = TILE_VECTORS > 2 ? 2 * DX_LANES : WIDE };
    for (; columns >= WIDE; columns -= WIDE, w.at += WIDE, y.at += WIDE) {
        multiply_columns(TILE_VECTORS, false, rows, x, w, depth, y, columns, fresh);
    }
    for (; HALF < WIDE && columns >= HALF; columns -= HALF, w.at += HALF, y.at += HALF) {
        multiply_columns(2, false, rows, x, w, depth, y, columns, fresh);
    }
    for (; columns >= DX_LANES; columns -= DX_LANES, w.at += DX_LANES, y.at += DX_LANES) {
        multiply_columns(1, false, rows, x, w, depth, y, columns, fresh);
    }
    if (columns > 0) multiply_columns(1, true, rows, x, w, depth, y, columns, fresh);
}
