// Kernels of whole matrices.

enum { TRANSPOSE_BLOCKS = 4 };  // blocks of rows that are taken together: whole cache lines are written side by side

static void transpose(const void *arguments, int64_t from, int64_t to) {
    const dx_transpose *p = arguments;
    for (int64_t block = from; block < to; block += TRANSPOSE_BLOCKS) {
        int64_t first = block * DX_LANES, rows = dx_min(dx_min(block + TRANSPOSE_BLOCKS, to) * DX_LANES, p->rows) - first;
        transpose_rows(p->x + first * p->x_stride, p->x_stride, rows, p->columns, p->y + first, p->y_stride, rows);
    }
}

/// Adds `count` rows to the sums of columns.
static inline ALWAYS void add_to_sums(int count, const dx_column_sums *p, int64_t row, int64_t start, int64_t end) {
    for (int64_t c = start; c < end; c += 16) {
        floats sum = load_part(p->y + c, end - c);
        UNROLL for (int i = 0; i < count; i++) {
            floats x = load_part(p->x + (row + i) * p->x_stride + c, end - c);
            sum = p->scale ? FMA(x, load_part(p->scale + (row + i) * p->scale_stride + c, end - c), sum) : sum + x;
        }
        store_part(p->y + c, sum, end - c);
    }
}

static void column_sums(const void *arguments, int64_t from, int64_t to) {
    const dx_column_sums *p = arguments;
    int64_t start = from * DX_LANES, end = dx_min(to * DX_LANES, p->columns), row = 0;
    for (int64_t c = start; c < end; c += 16) store_part(p->y + c, splat(0), end - c);
    for (; row + 4 <= p->rows; row += 4) add_to_sums(4, p, row, start, end);
    for (; row < p->rows; row++) add_to_sums(1, p, row, start, end);
}

static void scatter_rows(const void *arguments, int64_t from, int64_t to) {
    const dx_scatter_rows *p = arguments;
    int64_t start = from * DX_LANES, end = dx_min(to * DX_LANES, p->columns);
    for (int64_t r = 0; r < p->rows; r++) {
        float *row = p->table + p->indices[r] * p->table_stride;
        const float *x = p->x + r * p->x_stride;
        for (int64_t c = start; c < end; c += 16) {
            store_part(row + c, load_part(row + c, end - c) + load_part(x + c, end - c), end - c);
        }
    }
}

static void add(const void *arguments, int64_t from, int64_t to) {
    const dx_add *p = arguments;
    floats factor = splat(p->factor);
    for (int64_t r = from; r < to; r++) {
        const float *a = p->a + r * p->a_stride, *b = p->b + r * p->b_stride;
        float *y = p->y + r * p->y_stride;
        for (int64_t c = 0; c < p->columns; c += 16) {
            int64_t count = p->columns - c;
            store_part(y + c, FMA(factor, load_part(b + c, count), load_part(a + c, count)), count);
        }
    }
}
