// Kernels of whole matrices.

enum {
    TRANSPOSE_BLOCKS = 2,         // blocks of rows that are taken together, so that pairs of cache lines are written
    TRANSPOSE_STREAMS = 1 << 18,  // numbers of a matrix that would not stay in the nearer caches
};

static inline ALWAYS void transpose_blocks(bool streams, const dx_transpose *p, int64_t from, int64_t to) {
    int64_t end = dx_min(to * DX_LANES, p->rows);
    for (int64_t first = from * DX_LANES; first < end; first += TRANSPOSE_BLOCKS * DX_LANES) {
        for (int64_t c = 0; c < p->columns; c += 16) {
            for (int64_t r = first; r < dx_min(first + TRANSPOSE_BLOCKS * DX_LANES, end); r += 16) {
                transpose_tile(
                    streams, p->x + r * p->x_stride + c, p->x_stride, end - r, p->columns - c, p->y + c * p->y_stride + r,
                    p->y_stride, end - r);
            }
        }
    }
}

/// Lines that are written once need not be read first: streaming triples the speed of large matrices.
static void transpose(const void *arguments, int64_t from, int64_t to) {
    const dx_transpose *p = arguments;
    bool aligned = (uintptr_t)p->y % sizeof(floats) == 0 && p->y_stride % DX_LANES == 0;
    if (aligned && p->rows * p->columns >= TRANSPOSE_STREAMS) {
        transpose_blocks(true, p, from, to);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);  // streams are not ordered by themselves
    } else {
        transpose_blocks(false, p, from, to);
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

static void square_sums(const void *arguments, int64_t from, int64_t to) {
    const dx_square_sums *p = arguments;
    for (int64_t chunk = from; chunk < to; chunk++) {
        doubles lanes = {0};
        int64_t end = dx_min((chunk + 1) * DX_SQUARES, p->count);
        for (int64_t i = chunk * DX_SQUARES; i < end; i += DX_LANES) {
            doubles x = __builtin_convertvector(load_part(p->x + i, end - i), doubles);
            lanes = lanes + x * x;  // the square of a float is exact
        }
        p->sums[chunk] = 0;
        for (int lane = 0; lane < DX_LANES; lane++) p->sums[chunk] += lanes[lane];
    }
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
