// The gradient of the Mamba-1 scan, as in scalar/scan_gradient.h.

enum { SCAN_CHUNK = 16, SCAN_STATES = 16 };

/// Sixteen channels of one sequence, and the states that are being taken.
typedef struct {
    const dx_scan_gradient *p;
    int64_t index, row, rows;  // of the sequence
    int64_t part, parts, start, lanes;
    int64_t first, count;  // states
    bool is_last;          // whether these states are the last
    floats bias, d, dd;
} scan_unit;

/// What the states of a row have in common.
typedef struct {
    floats raw, step, x, input;
    floats z, sigmoid, dy, slope;  // slope: of y with respect to the sum over states, times dy
} scan_row;

typedef struct {
    floats at[SCAN_STATES];
} scan_states;

static inline ALWAYS void scan_read_input(const scan_unit *u, int64_t row, scan_row *r) {
    r->raw = load_part(u->p->dt + row * u->p->dt_stride + u->start, u->lanes) + u->bias;
    r->step = softplus(r->raw);
    r->x = load_part(u->p->x + row * u->p->x_stride + u->start, u->lanes);
    r->input = r->step * r->x;
}

static inline ALWAYS void scan_read_slope(const scan_unit *u, int64_t row, scan_row *r) {
    const dx_scan_gradient *p = u->p;
    r->slope = r->dy = load_part(p->dy + row * p->dy_stride + u->start, u->lanes);
    if (!p->z) return;
    r->z = load_part(p->z + row * p->z_stride + u->start, u->lanes);
    r->sigmoid = sigmoid(r->z);
    r->slope = r->dy * (r->z * r->sigmoid);
}

static inline ALWAYS const float *scan_a(const scan_unit *u) {
    return u->p->a + (u->part * u->p->states + u->first) * DX_LANES;
}

static inline ALWAYS float *scan_db(const scan_unit *u, int64_t row) {
    return u->p->db + (row * u->parts + u->part) * u->p->states + u->first;
}

static inline ALWAYS float *scan_dc(const scan_unit *u, int64_t row) {
    return u->p->dc + (row * u->parts + u->part) * u->p->states + u->first;
}

/// Moves the states over a row.
static inline ALWAYS void scan_move(
    const scan_unit *u, int64_t row, const scan_row *r, const scan_states *before, scan_states *after, scan_states *decays) {
    const float *a = scan_a(u), *b = u->p->b + row * u->p->b_stride + u->first;
    for (int64_t n = 0; n < u->count; n++) {
        decays->at[n] = exponential(r->step * load(a + n * DX_LANES));
        after->at[n] = FMA(decays->at[n], before->at[n], r->input * splat(b[n]));
    }
}

/// What a row's channels have gathered from the states so far.
typedef struct {
    floats y, dinput, dstep;
} scan_sums;

/// Keeps the sums over states where their gradients belong or, after the last state, turns them into these.
static inline ALWAYS void scan_finish(scan_unit *u, int64_t row, const scan_row *r, scan_sums sums) {
    const dx_scan_gradient *p = u->p;
    int64_t at = row * p->channels + u->start;
    if (u->is_last) {
        floats y = p->d ? FMA(u->d, r->x, sums.y) : sums.y;
        sums.y = r->dy * y * silu_slope(r->z, r->sigmoid);
        sums.dstep = FMA(sums.dinput, r->x, sums.dstep) * sigmoid(r->raw);
        sums.dinput = p->d ? FMA(u->d, r->slope, sums.dinput * r->step) : sums.dinput * r->step;
        u->dd = FMA(r->slope, r->x, u->dd);
    }
    if (p->z) store_part(p->dz + at, sums.y, u->lanes);
    store_part(p->dx + at, sums.dinput, u->lanes);
    store_part(p->ddt + at, sums.dstep, u->lanes);
}

/// From the gradient of the states after a row to that before it.
static inline ALWAYS void scan_return(
    scan_unit *u, int64_t row, const scan_row *r, const scan_states *before, const scan_states *after,
    const scan_states *decays, scan_states *gradient, scan_states *da) {
    const dx_scan_gradient *p = u->p;
    const float *a = scan_a(u), *b = p->b + row * p->b_stride + u->first, *c = p->c + row * p->c_stride + u->first;
    scan_sums sums = {splat(0), splat(0), splat(0)};
    if (u->first > 0) {
        int64_t at = row * p->channels + u->start;
        if (p->z) sums.y = load_part(p->dz + at, u->lanes);
        sums.dinput = load_part(p->dx + at, u->lanes);
        sums.dstep = load_part(p->ddt + at, u->lanes);
    }
    scan_states db = {0}, dc = {0};
    for (int64_t n = 0; n < u->count; n++) {
        sums.y = FMA(after->at[n], splat(c[n]), sums.y);
        floats reaching = FMA(r->slope, splat(c[n]), gradient->at[n]);
        dc.at[n] = r->slope * after->at[n];
        db.at[n] = reaching * r->input;
        sums.dinput = FMA(reaching, splat(b[n]), sums.dinput);
        floats leaving = reaching * decays->at[n], moved = leaving * before->at[n];
        da->at[n] = FMA(moved, r->step, da->at[n]);
        sums.dstep = FMA(moved, load(a + n * DX_LANES), sums.dstep);
        gradient->at[n] = leaving;
    }
    store_part(scan_db(u, row), totals_of(db.at), u->count);
    store_part(scan_dc(u, row), totals_of(dc.at), u->count);
    scan_finish(u, row, r, sums);
}

/// Keeps the states at the end of the chunk that starts at `row`: row i holds those of channel i.
static void scan_keep(const scan_unit *u, int64_t row, scan_states states) {
    transpose_lanes(states.at);
    for (int lane = 0; lane < DX_LANES; lane++) store_part(scan_db(u, row + lane), states.at[lane], u->count);
}

static scan_states scan_kept(const scan_unit *u, int64_t row) {
    scan_states states;
    for (int lane = 0; lane < DX_LANES; lane++) states.at[lane] = load_part(scan_db(u, row + lane), u->count);
    transpose_lanes(states.at);
    return states;
}

static void scan_gradient_of_states(scan_unit *u) {
    scan_states states[SCAN_CHUNK + 1], decays[SCAN_CHUNK], gradient = {0}, da = {0};
    scan_row rows[SCAN_CHUNK];
    int64_t chunks = (u->rows + SCAN_CHUNK - 1) / SCAN_CHUNK;
    states[0] = (scan_states){0};
    for (int64_t chunk = 0; chunk + 1 < chunks; chunk++) {
        int64_t row = u->row + chunk * SCAN_CHUNK;
        for (int i = 0; i < SCAN_CHUNK; i++) {
            scan_read_input(u, row + i, rows);
            scan_move(u, row + i, rows, states, states, decays);
        }
        scan_keep(u, row, states[0]);
    }
    for (int64_t chunk = chunks - 1; chunk >= 0; chunk--) {
        int64_t row = u->row + chunk * SCAN_CHUNK, count = dx_min(u->rows - chunk * SCAN_CHUNK, SCAN_CHUNK);
        states[0] = chunk > 0 ? scan_kept(u, row - SCAN_CHUNK) : (scan_states){0};
        for (int64_t i = 0; i < count; i++) {
            scan_read_input(u, row + i, rows + i);
            scan_read_slope(u, row + i, rows + i);
            scan_move(u, row + i, rows + i, states + i, states + i + 1, decays + i);
        }
        for (int64_t i = count - 1; i >= 0; i--) {
            scan_return(u, row + i, rows + i, states + i, states + i + 1, decays + i, &gradient, &da);
        }
    }
    float *to = u->p->da + ((u->index * u->parts + u->part) * u->p->states + u->first) * DX_LANES;
    for (int64_t n = 0; n < u->count; n++) store(to + n * DX_LANES, da.at[n]);
}

static void scan_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_scan_gradient *p = arguments;
    int64_t parts = (p->channels + DX_LANES - 1) / DX_LANES;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / parts;
        int64_t part = unit % parts, start = part * DX_LANES;
        scan_unit u = {
            .p = p, .index = unit / parts, .row = sequence->row, .rows = sequence->rows, .part = part, .parts = parts,
            .start = start, .lanes = dx_min(DX_LANES, p->channels - start), .dd = splat(0)};
        u.bias = p->dt_bias ? load_part(p->dt_bias + start, u.lanes) : splat(0);
        u.d = p->d ? load_part(p->d + start, u.lanes) : splat(0);
        for (u.first = 0; u.first < p->states; u.first += SCAN_STATES) {
            u.count = dx_min(SCAN_STATES, p->states - u.first);
            u.is_last = u.first + u.count == p->states;
            scan_gradient_of_states(&u);
        }
        if (p->d) store_part(p->dd + u.index * p->channels + start, u.dd, u.lanes);
    }
}
