// The register tile of all products: a few rows times a few vectors of outputs. Nearly all time is spent in its loops.

/// The sums of a tile; `rows` and `vectors` of the functions below are constants, and say how much of it is used.
typedef struct {
    floats at[TILE_ROWS][TILE_VECTORS];
} tile;

/// Calls a function whose first argument must be a constant.
#define WITH_ROWS(rows, function, ...)                 \
    switch (rows) {                                    \
    case 1: function(1, __VA_ARGS__); break;           \
    case 2: function(2, __VA_ARGS__); break;           \
    case 3: function(3, __VA_ARGS__); break;           \
    case 4: function(4, __VA_ARGS__); break;           \
    case 5: function(5, __VA_ARGS__); break;           \
    default: function(TILE_ROWS, __VA_ARGS__); break;  \
    }
_Static_assert(TILE_ROWS == 6, "WITH_ROWS lists the rows of a tile");

static inline ALWAYS void tile_clear(int rows, int vectors, tile *sums) {
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) sums->at[m][n] = splat(0);
    }
}

/// sums[m][n] += x[m][k] * w[k][n] for k in `from ..< to`, each sum one chain in the order of k.
/// w points to the first vector of k = 0; the vectors of one k lie `stride` apart, those of the next k `step` further on.
static inline ALWAYS void tile_f32(
    int rows, int vectors, tile *sums, const float *const *x, const float *w, int64_t step, int64_t stride, int64_t from,
    int64_t to) {
    for (int64_t k = from; k < to; k++) {
        floats weights[TILE_VECTORS];
        UNROLL for (int n = 0; n < vectors; n++) weights[n] = load(w + k * step + n * stride);
        UNROLL for (int m = 0; m < rows; m++) {
            floats input = splat(x[m][k]);
            UNROLL for (int n = 0; n < vectors; n++) sums->at[m][n] = FMA(input, weights[n], sums->at[m][n]);
        }
    }
}

static inline ALWAYS void tile_f16(
    int rows, int vectors, tile *sums, const float *const *x, const uint16_t *w, int64_t stride, int64_t from, int64_t to) {
    for (int64_t k = from; k < to; k++) {
        floats weights[TILE_VECTORS];
        UNROLL for (int n = 0; n < vectors; n++) weights[n] = load_f16(w + k * DX_LANES + n * stride);
        UNROLL for (int m = 0; m < rows; m++) {
            floats input = splat(x[m][k]);
            UNROLL for (int n = 0; n < vectors; n++) sums->at[m][n] = FMA(input, weights[n], sums->at[m][n]);
        }
    }
}

/// `from` is even; `to` is even or the width of x.
static inline ALWAYS void tile_bf16(
    int rows, int vectors, tile *sums, const float *const *x, const uint16_t *w, int64_t stride, int64_t from, int64_t to) {
    int64_t k = from;
    for (; k + 1 < to; k += 2) {
        floats even[TILE_VECTORS], odd[TILE_VECTORS];
        UNROLL for (int n = 0; n < vectors; n++) {
            uints pairs = (uints)load_ints(w + k * DX_LANES + n * stride);
            even[n] = (floats)(pairs << 16);
            odd[n] = (floats)(pairs & 0xffff0000u);
        }
        UNROLL for (int m = 0; m < rows; m++) {
            floats first = splat(x[m][k]), second = splat(x[m][k + 1]);
            UNROLL for (int n = 0; n < vectors; n++) sums->at[m][n] = FMA(first, even[n], sums->at[m][n]);
            UNROLL for (int n = 0; n < vectors; n++) sums->at[m][n] = FMA(second, odd[n], sums->at[m][n]);
        }
    }
    if (k == to) return;
    UNROLL for (int n = 0; n < vectors; n++) {
        floats even = (floats)((uints)load_ints(w + k * DX_LANES + n * stride) << 16);
        UNROLL for (int m = 0; m < rows; m++) sums->at[m][n] = FMA(splat(x[m][k]), even, sums->at[m][n]);
    }
}
