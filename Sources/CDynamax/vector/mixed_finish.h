// The end of a mixed product: bias and residual.

/// Adds what is given to the sums of rows `from_row ..< to_row`, which lie in y.
static void mixed_finish(const dx_mixed_product *p, int64_t from_row, int64_t to_row, int64_t from, int64_t to) {
    if (!p->bias && !p->residual) return;
    for (int64_t row = from_row; row < to_row; row++) {
        float *y = p->y + row * p->y_stride;
        for (int64_t o = from * DX_LANES; o < dx_min(to * DX_LANES, p->outputs); o += DX_LANES) {
            int64_t count = p->outputs - o;
            floats sum = load_part(y + o, count);
            if (p->bias) sum = sum + load_part(p->bias + o, count);
            if (p->residual) sum = sum + load_part(p->residual + row * p->residual_stride + o, count);
            store_part(y + o, sum, count);
        }
    }
}
