// Kernels of whole matrices: the slow obvious form.

static void transpose(const void *arguments, int64_t from, int64_t to) {
    const dx_transpose *p = arguments;
    for (int64_t r = from * DX_LANES; r < dx_min(to * DX_LANES, p->rows); r++) {
        for (int64_t c = 0; c < p->columns; c++) p->y[c * p->y_stride + r] = p->x[r * p->x_stride + c];
    }
}

static void column_sums(const void *arguments, int64_t from, int64_t to) {
    const dx_column_sums *p = arguments;
    for (int64_t c = from * DX_LANES; c < dx_min(to * DX_LANES, p->columns); c++) {
        float sum = 0;
        for (int64_t r = 0; r < p->rows; r++) {
            float x = p->x[r * p->x_stride + c];
            sum = p->scale ? FMA(x, p->scale[r * p->scale_stride + c], sum) : sum + x;
        }
        p->y[c] = sum;
    }
}

static void square_sums(const void *arguments, int64_t from, int64_t to) {
    const dx_square_sums *p = arguments;
    for (int64_t chunk = from; chunk < to; chunk++) {
        double lanes[DX_LANES] = {0};
        for (int64_t i = chunk * DX_SQUARES; i < dx_min((chunk + 1) * DX_SQUARES, p->count); i++) {
            lanes[i % DX_LANES] += (double)p->x[i] * p->x[i];
        }
        p->sums[chunk] = 0;
        for (int lane = 0; lane < DX_LANES; lane++) p->sums[chunk] += lanes[lane];
    }
}

static void scatter_rows(const void *arguments, int64_t from, int64_t to) {
    const dx_scatter_rows *p = arguments;
    for (int64_t r = 0; r < p->rows; r++) {
        float *row = p->table + p->indices[r] * p->table_stride;
        for (int64_t c = from * DX_LANES; c < dx_min(to * DX_LANES, p->columns); c++) {
            row[c] = row[c] + p->x[r * p->x_stride + c];
        }
    }
}

static void add(const void *arguments, int64_t from, int64_t to) {
    const dx_add *p = arguments;
    for (int64_t r = from; r < to; r++) {
        for (int64_t c = 0; c < p->columns; c++) {
            p->y[r * p->y_stride + c] = FMA(p->factor, p->b[r * p->b_stride + c], p->a[r * p->a_stride + c]);
        }
    }
}
