// Products with packed float weights, and how all products walk over rows and blocks.

static inline ALWAYS void tile_of_floats(int rows, int vectors, dx_format format, const dx_product *p, const place *at) {
    const float *x[TILE_ROWS];
    UNROLL for (int m = 0; m < rows; m++) x[m] = p->x + (at->row + m) * p->x_stride;
    int64_t stride = p->inputs * DX_LANES, first = at->block * stride;
    tile sums;
    tile_resume(rows, vectors, &sums, at);
    if (format == DX_F32) {
        tile_f32(rows, vectors, &sums, x, (const float *)p->weights + first, DX_LANES, stride, at->from, at->to);
    } else if (format == DX_F16) {
        tile_f16(rows, vectors, &sums, x, (const uint16_t *)p->weights + first, stride, at->from, at->to);
    } else {
        tile_bf16(rows, vectors, &sums, x, (const uint16_t *)p->weights + first, stride, at->from, at->to);
    }
    if (at->to == p->x_width) tile_finish(rows, vectors, p, &sums, at);
    else tile_suspend(rows, vectors, &sums, at);
}

static inline ALWAYS void tile_of_format(int rows, int vectors, dx_format format, const dx_product *p, const place *at) {
    if (format == DX_INT8 || format == DX_INT4) tile_of_integers(rows, vectors, format, p, at);
    else tile_of_floats(rows, vectors, format, p, at);
}

/// A panel of rows times a few blocks. One tile of rows streams its weights once, over all of k. More tiles take k in
/// parts, so that the weights of a part stay in the nearest cache while all tiles use them.
static inline ALWAYS void product_panel(
    int vectors, dx_format format, const dx_product *p, int64_t top, int64_t end, int64_t block) {
    _Alignas(64) float partial[PANEL_ROWS * TILE_VECTORS * DX_LANES];
    bool integers = format == DX_INT8 || format == DX_INT4;
    int64_t width = integers ? p->inputs : p->x_width, tiles = (end - top + TILE_ROWS - 1) / TILE_ROWS;
    int64_t depth = tiles == 1 ? width : integers ? dx_max(INTEGER_DEPTH / p->group, 1) * p->group : FLOAT_DEPTH;
    for (int64_t from = 0; from < dx_max(width, 1); from += depth) {
        for (int64_t row = top, left = tiles; left > 0; left--) {
            int64_t rows = (end - row + left - 1) / left;  // even shares: a tile of one row wastes the most
            place at = {row, block, from, dx_min(from + depth, width), partial + (row - top) * vectors * DX_LANES};
            WITH_ROWS(rows, tile_of_format, vectors, format, p, &at)
            row += rows;
        }
    }
}

static inline ALWAYS void product(dx_format format, const dx_product *p, int64_t from, int64_t to) {
    for (int64_t top = 0; top < p->rows; top += PANEL_ROWS) {
        int64_t end = dx_min(top + PANEL_ROWS, p->rows), block = from;
        for (; block + TILE_VECTORS <= to; block += TILE_VECTORS) product_panel(TILE_VECTORS, format, p, top, end, block);
        for (; TILE_VECTORS > 1 && block < to; block++) product_panel(1, format, p, top, end, block);
    }
}

static void product_f32(const void *p, int64_t from, int64_t to) {
    product(DX_F32, p, from, to);
}

static void product_f16(const void *p, int64_t from, int64_t to) {
    product(DX_F16, p, from, to);
}

static void product_bf16(const void *p, int64_t from, int64_t to) {
    product(DX_BF16, p, from, to);
}

static void product_int8(const void *p, int64_t from, int64_t to) {
    product(DX_INT8, p, from, to);
}

static void product_int4(const void *p, int64_t from, int64_t to) {
    product(DX_INT4, p, from, to);
}
