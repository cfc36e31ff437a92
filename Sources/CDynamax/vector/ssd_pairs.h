// Pairs of rows of one chunk in the gradient of the Mamba-2 recurrence: what they have given to each other.

/// to[t][s] = left[t] . right[s] (* scale[s]) for the rows `first ..< end` of the chunk and those up to them.
static void ssd_dots(
    const ssd_unit *u, constant_rows left, constant_rows right, int64_t width, const float *scale, int64_t first,
    int64_t end, ssd_block *to) {
    ssd_block transposed;
    for (int64_t d = 0; d < width; d += u->block) {
        int64_t columns = dx_min(u->block, width - d);
        transpose_rows(right.at + d, right.stride, end, columns, transposed.at, u->chunk, u->chunk);
        for (int64_t i = 0; scale && i < columns; i++) {
            for (int64_t s = 0; s < end; s += 16) {
                float *at = transposed.at + i * u->chunk + s;
                store(at, load(scale + s) * load(at));
            }
        }
        for (int64_t t = first; t < end; t += 16) {
            int64_t rows = dx_min(16, end - t), seen = (t + rows + 15) / 16 * 16;
            multiply(
                rows, seen, columns, by_rows(columns_from(rows_from(left, t), d)), (constant_rows){transposed.at, u->chunk},
                (variable_rows){to->at + (t - first) * u->chunk, u->chunk}, d == 0);
        }
    }
}

/// What the pairs of rows t, s of a chunk have in common, for a block of rows t.
typedef struct {
    ssd_block of_dy, of_c, products;  // M (c . b), M (dy . u), and M (c . b) (dy . u)
} ssd_pairs;

/// Applies the decays between rows to dot products. `between` is zero at first, and each t is visited once.
static void ssd_decay_pairs(const ssd_unit *u, const ssd_chunk *k, int64_t first, int64_t end, ssd_pairs *pairs) {
    _Alignas(64) float between[DX_SSD_CHUNK];
    memset(between, 0, (size_t)u->chunk * sizeof(float));
    for (int64_t t = 0; t < end; t++) {
        for (int64_t s = 0; s < t; s += 16) store(between + s, remaining(load(between + s) * splat(k->decay[t])));
        between[t] = 1;
        for (int64_t s = 0; t >= first && s < end; s += 16) {
            int64_t at = (t - first) * u->chunk + s;
            floats decay = load(between + s), of_dy = splat(0), of_c = splat(0), product = splat(0);
            if (s <= t) {  // dot products further on are not there
                floats dot = load(pairs->of_c.at + at);
                of_dy = decay * load(pairs->of_dy.at + at);
                of_c = decay * dot;
                product = of_dy * dot;
            }
            store(pairs->of_dy.at + at, of_dy);
            store(pairs->of_c.at + at, of_c);
            store(pairs->products.at + at, product);
        }
    }
}

/// Adds the paths from rows s before t to t or after it to the gradient of each decay; `crossing` holds those of each s.
static void ssd_cross(const ssd_unit *u, ssd_chunk *k, int64_t first, int64_t end, const ssd_pairs *pairs, float *crossing) {
    for (int64_t last = end; last > first; last -= 16) {
        floats sums[16] = {0};
        int64_t group = dx_max(last - 16, first);
        for (int64_t t = last - 1; t >= group; t--) {
            for (int64_t s = 0; s < t; s += 16) {
                floats path = load(crossing + s) + load(pairs->products.at + (t - first) * u->chunk + s);
                path = lanes_below(dx_min(t - s, 16)) ? path : splat(0);
                store(crossing + s, path);
                sums[t - group] = sums[t - group] + path;
            }
        }
        floats totals = totals_of(sums), before = load_part(k->through + group, last - group);
        store_part(k->through + group, before + totals, last - group);
    }
}

/// What rows of the chunk have given to each other. Groups of rows skip most of the pairs that do not see each other.
static void ssd_within(const ssd_unit *u, ssd_chunk *k) {
    enum { GROUP = 2 * TILE_ROWS };
    ssd_pairs pairs;
    float crossing[DX_SSD_CHUNK];
    constant_rows x = rows_from(u->x, k->row), dy = rows_from(u->dy, k->row);
    constant_rows b = rows_from(u->b, k->row), c = rows_from(u->c, k->row);
    variable_rows dx = variable_rows_from(u->dx, k->row);
    variable_rows db = variable_rows_from(u->db, k->row), dc = variable_rows_from(u->dc, k->row);
    constant_rows of_dy = {pairs.of_dy.at, u->chunk}, of_c = {pairs.of_c.at, u->chunk};
    memset(crossing, 0, (size_t)u->chunk * sizeof(float));
    for (int64_t first = (k->rows - 1) / u->block * u->block; first >= 0; first -= u->block) {
        int64_t end = dx_min(first + u->block, k->rows);
        ssd_dots(u, c, b, u->p->states, NULL, first, end, &pairs.of_dy);
        ssd_dots(u, dy, x, u->p->width, k->step, first, end, &pairs.of_c);
        ssd_decay_pairs(u, k, first, end, &pairs);
        ssd_cross(u, k, first, end, &pairs, crossing);
        for (int64_t t = first; t < end; t += GROUP) {
            int64_t rows = dx_min(GROUP, end - t);
            multiply(rows, u->p->states, t + rows, by_rows(rows_from(of_c, t - first)), b, variable_rows_from(dc, t), false);
        }
        for (int64_t s = 0; s < end; s += GROUP) {
            int64_t rows = dx_min(GROUP, end - s), t = dx_max(first, s);
            factor by_c = by_columns(columns_from(rows_from(of_c, t - first), s));
            factor by_dy = by_columns(columns_from(rows_from(of_dy, t - first), s));
            multiply(rows, u->p->states, end - t, by_c, rows_from(c, t), variable_rows_from(db, s), false);
            multiply(rows, u->p->width, end - t, by_dy, rows_from(dy, t), variable_rows_from(dx, s), false);
        }
    }
}
