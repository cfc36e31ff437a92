// Chunks of the gradient of the Mamba-2 recurrence, and the states between them: how rows give to states, and take from them.

/// One head of one sequence. The rows of each matrix are those of the batch.
typedef struct {
    const dx_ssd_gradient *p;
    int64_t head, row, rows, chunk, block;
    constant_rows x, dy, b, c;
    variable_rows dx, db, dc;
} ssd_unit;

/// Rows of one chunk, and their steps and decays.
typedef struct {
    int64_t row, rows;
    bool is_first, is_last;
    float step[DX_SSD_CHUNK], decay[DX_SSD_CHUNK], enter[DX_SSD_CHUNK], leave[DX_SSD_CHUNK];
    float slope[DX_SSD_CHUNK];    // of the step with respect to its raw value
    float through[DX_SSD_CHUNK];  // the gradient of the logarithm of each decay
} ssd_chunk;

/// Room for some columns of a chunk, or for pairs of its rows.
typedef struct {
    _Alignas(64) float at[DX_SSD_PAIRS];
} ssd_block;

/// Where the state, or the gradient, at the start of a chunk is kept: in the chunk before.
static inline ALWAYS variable_rows ssd_before(const ssd_unit *u, const ssd_chunk *k, variable_rows rows) {
    return k->is_first ? rows : variable_rows_from(rows, k->row - u->chunk);
}

/// Steps, decays and slopes of 16 rows, of which `count` are there; missing rows give nothing.
static inline ALWAYS void ssd_steps(const ssd_unit *u, ssd_chunk *k, int64_t t, int64_t count) {
    float raws[DX_LANES] = {0};
    for (int64_t i = 0; i < dx_min(count, DX_LANES); i++) raws[i] = u->p->dt[(k->row + t + i) * u->p->dt_stride + u->head];
    floats low = splat(u->p->low), high = splat(u->p->high);
    floats raw = load(raws) + splat(u->p->dt_bias ? u->p->dt_bias[u->head] : 0), step = softplus(raw);
    floats clamped = step < low ? low : step > high ? high : step;
    store(k->step + t, lanes_below(dx_min(count, DX_LANES)) ? clamped : splat(0));
    store(k->decay + t, exponential(clamped * splat(u->p->a[u->head])));
    store(k->slope + t, ((step < low) | (step > high)) ? splat(0) : sigmoid(raw));
}

static void ssd_begin(const ssd_unit *u, int64_t index, ssd_chunk *k) {
    k->row = u->row + index * u->chunk;
    k->rows = dx_min(u->chunk, u->rows - index * u->chunk);
    k->is_first = index == 0;
    k->is_last = (index + 1) * u->chunk >= u->rows;
    for (int64_t t = 0; t < u->chunk; t += 16) ssd_steps(u, k, t, k->rows - t);
    float product = 1;
    for (int64_t t = 0; t < k->rows; t++) {
        product = product * k->decay[t];
        k->enter[t] = product;
        k->through[t] = 0;
    }
    product = 1;
    for (int64_t s = k->rows - 1; s >= 0; s--) {
        k->leave[s] = product;
        product = product * k->decay[s];
    }
}

/// to[i][j] = from[i][column + j] * scale[i] (* more[i])
static void ssd_scale(
    constant_rows from, int64_t rows, int64_t columns, const float *scale, const float *more, variable_rows to) {
    for (int64_t i = 0; i < rows; i++) {
        floats by = splat(more ? scale[i] * more[i] : scale[i]);
        for (int64_t j = 0; j < columns; j += 16) {
            store_part(to.at + i * to.stride + j, by * load_part(from.at + i * from.stride + j, columns - j), columns - j);
        }
    }
}

/// to[i] = from[i] * scale, or 0 without `from`.
static void ssd_carry(const ssd_unit *u, const variable_rows *from, float scale, variable_rows to) {
    for (int64_t j = 0; j < u->p->width; j++) {
        for (int64_t n = 0; n < u->p->states; n += 16) {
            int64_t count = u->p->states - n;
            floats value = from ? splat(scale) * load_part(from->at + j * from->stride + n, count) : splat(0);
            store_part(to.at + j * to.stride + n, value, count);
        }
    }
}

/// to[j] += sum over the rows of the chunk of scale (* more) left[row][j] right[row]: from rows to a state.
static void ssd_add_to_state(
    const ssd_unit *u, const ssd_chunk *k, constant_rows left, const float *scale, const float *more, constant_rows right,
    variable_rows to) {
    ssd_block scaled;
    for (int64_t j = 0; j < u->p->width; j += u->block) {
        int64_t columns = dx_min(u->block, u->p->width - j);
        variable_rows part = {scaled.at, u->block};
        ssd_scale(columns_from(left, j), k->rows, columns, scale, more, part);
        multiply(
            columns, u->p->states, k->rows, by_columns(constant_of(part)), right, variable_rows_from(to, j), false);
    }
}

/// to[row] = sum over j of scale (* more) left[row][j] state[j]: from a state to rows. Without a state, 0.
static void ssd_take_from_state(
    const ssd_unit *u, const ssd_chunk *k, constant_rows left, const float *scale, const float *more,
    const variable_rows *state, variable_rows to) {
    ssd_block scaled;
    if (!state) clear_rows(to, k->rows, u->p->states);
    for (int64_t j = 0; state && j < u->p->width; j += u->block) {
        int64_t columns = dx_min(u->block, u->p->width - j);
        variable_rows part = {scaled.at, u->block};
        ssd_scale(columns_from(left, j), k->rows, columns, scale, more, part);
        constant_rows from = rows_from(constant_of(*state), j);
        multiply(k->rows, u->p->states, columns, by_rows(constant_of(part)), from, to, j == 0);
    }
}

/// The state at the end of a chunk, from that at the end of the one before.
static void ssd_advance(const ssd_unit *u, const ssd_chunk *k) {
    variable_rows before = ssd_before(u, k, u->db), state = variable_rows_from(u->db, k->row);
    ssd_carry(u, k->is_first ? NULL : &before, k->enter[k->rows - 1], state);
    ssd_add_to_state(u, k, rows_from(u->x, k->row), k->leave, k->step, rows_from(u->b, k->row), state);
}

/// dx[s][j] = leave[s] * (gradient[j] . b[s]): columns of x at a time, as [j][s].
static void ssd_take_input(const ssd_unit *u, const ssd_chunk *k, variable_rows gradient, variable_rows dx) {
    ssd_block transposed, products;
    constant_rows b = rows_from(u->b, k->row);
    for (int64_t j = 0; j < u->p->width; j += u->block) {
        int64_t columns = dx_min(u->block, u->p->width - j);
        variable_rows part = {products.at, u->chunk};
        for (int64_t n = 0; n < u->p->states; n += u->block) {
            int64_t states = dx_min(u->block, u->p->states - n);
            transpose_rows(b.at + n, b.stride, k->rows, states, transposed.at, u->chunk, u->chunk);
            constant_rows from = columns_from(rows_from(constant_of(gradient), j), n);
            multiply(columns, u->chunk, states, by_rows(from), (constant_rows){transposed.at, u->chunk}, part, n == 0);
        }
        transpose_rows(products.at, u->chunk, columns, k->rows, dx.at + j, dx.stride, columns);
    }
    variable_rows to = dx;
    ssd_scale(constant_of(dx), k->rows, u->p->width, k->leave, NULL, to);
}

/// What comes back from the state at the end of the chunk: parts of db, du (in dx) and the decays.
static void ssd_return(const ssd_unit *u, ssd_chunk *k) {
    variable_rows gradient = variable_rows_from(u->dc, k->row), dx = variable_rows_from(u->dx, k->row);
    constant_rows x = rows_from(u->x, k->row);
    float through = 0, dots[DX_SSD_CHUNK];
    ssd_take_from_state(u, k, x, k->leave, k->step, k->is_last ? NULL : &gradient, variable_rows_from(u->db, k->row));
    if (k->is_last) {
        clear_rows(dx, k->rows, u->p->width);
        return;
    }
    ssd_take_input(u, k, gradient, dx);
    wide_dots(x, constant_of(dx), k->rows, u->p->width, dots);
    for (int64_t s = 0; s < k->rows; s++) {
        k->through[s] = k->through[s] + through;
        through = FMA(k->step[s], dots[s], through);
    }
}

/// The product of the state at the start with its gradient as far as it comes from the end.
static float ssd_carried(const ssd_unit *u, const ssd_chunk *k) {
    floats sums = splat(0);
    for (int64_t j = 0; j < u->p->width; j++) {
        const float *state = u->db.at + (k->row - u->chunk + j) * u->db.stride;
        const float *gradient = u->dc.at + (k->row + j) * u->dc.stride;
        for (int64_t n = 0; n < u->p->states; n += 16) {
            int64_t count = u->p->states - n;
            sums = FMA(load_part(state + n, count), load_part(gradient + n, count), sums);
        }
    }
    return k->enter[k->rows - 1] * total(sums);
}

/// The gradient of the state at the start of the chunk, which is the end of the one before.
static void ssd_pass(const ssd_unit *u, const ssd_chunk *k) {
    variable_rows after = variable_rows_from(u->dc, k->row), gradient = ssd_before(u, k, u->dc);
    ssd_carry(u, k->is_last ? NULL : &after, k->enter[k->rows - 1], gradient);
    ssd_add_to_state(u, k, rows_from(u->dy, k->row), k->enter, NULL, rows_from(u->c, k->row), gradient);
}

/// What the state at the start has given to y: parts of dc and the decays.
static void ssd_enter(const ssd_unit *u, ssd_chunk *k) {
    variable_rows before = ssd_before(u, k, u->db), dc = variable_rows_from(u->dc, k->row);
    constant_rows c = rows_from(u->c, k->row);
    float through = 0, dots[DX_SSD_CHUNK];
    ssd_take_from_state(u, k, rows_from(u->dy, k->row), k->enter, NULL, k->is_first ? NULL : &before, dc);
    if (k->is_first) return;
    wide_dots(constant_of(dc), c, k->rows, u->p->states, dots);
    for (int64_t t = k->rows - 1; t >= 0; t--) {
        through = through + dots[t];
        k->through[t] = k->through[t] + through;
    }
}
