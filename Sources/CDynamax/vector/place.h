// Where a tile of a product stands, and what becomes of its sums.

/// Where a tile is: its rows, its blocks of outputs, and the part of k that it adds now.
typedef struct {
    int64_t row, block, from, to;
    float *partial;  // sums between two parts, [rows][vectors][16]; NULL when there is but one part
} place;

/// The sums so far.
static inline ALWAYS void tile_resume(int rows, int vectors, tile *sums, const place *at) {
    if (at->from == 0) return tile_clear(rows, vectors, sums);
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) sums->at[m][n] = load(at->partial + (m * vectors + n) * DX_LANES);
    }
}

static inline ALWAYS void tile_suspend(int rows, int vectors, const tile *sums, const place *at) {
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) store(at->partial + (m * vectors + n) * DX_LANES, sums->at[m][n]);
    }
}

static inline ALWAYS void tile_finish(int rows, int vectors, const dx_product *p, const tile *sums, const place *at) {
    UNROLL for (int n = 0; n < vectors; n++) {
        int64_t o = (at->block + n) * DX_LANES, count = p->outputs - o;
        floats bias = p->bias ? load_part(p->bias + o, count) : splat(0);
        UNROLL for (int m = 0; m < rows; m++) {
            int64_t row = at->row + m;
            floats sum = sums->at[m][n];
            if (p->bias) sum = sum + bias;
            if (p->residual) sum = sum + load_part(p->residual + row * p->residual_stride + o, count);
            store_part(p->y + row * p->y_stride + o, sum, count);
        }
    }
}
