// The gradient of the Mamba-1 scan, as in scalar/scan_gradient.h.

enum { SCAN_CHUNK = 16, SCAN_STATES = 16 };

/// Sixteen channels of one sequence, and the states that are being taken.
typedef struct {
    const dx_scan_gradient *p;
    int64_t index, row, rows;  // of the sequence
    int64_t part, parts, start, lanes;
    int64_t first, count;  // states
    floats bias;
} scan_unit;

typedef struct {
    floats at[SCAN_STATES];
} scan_states;

static inline ALWAYS floats scan_raw_step(const scan_unit *u, int64_t row) {
    return load_part(u->p->dt + row * u->p->dt_stride + u->start, u->lanes) + u->bias;
}

static inline ALWAYS floats scan_input(const scan_unit *u, int64_t row) {
    return load_part(u->p->x + row * u->p->x_stride + u->start, u->lanes);
}

static inline ALWAYS floats scan_slope(const scan_unit *u, int64_t row) {
    const dx_scan_gradient *p = u->p;
    floats dy = load_part(p->dy + row * p->dy_stride + u->start, u->lanes);
    return p->z ? dy * silu(load_part(p->z + row * p->z_stride + u->start, u->lanes)) : dy;
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
static inline ALWAYS void scan_move(const scan_unit *u, int64_t row, const scan_states *before, scan_states *after, scan_states *decays) {
    const float *a = scan_a(u), *b = u->p->b + row * u->p->b_stride + u->first;
    floats step = softplus(scan_raw_step(u, row)), input = step * scan_input(u, row);
    for (int64_t n = 0; n < u->count; n++) {
        decays->at[n] = exponential(step * load(a + n * DX_LANES));
        after->at[n] = FMA(decays->at[n], before->at[n], input * splat(b[n]));
    }
}

/// From the gradient of the states after a row to that before it.
static inline ALWAYS void scan_return(
    const scan_unit *u, int64_t row, const scan_states *before, const scan_states *after, const scan_states *decays,
    scan_states *gradient, scan_states *da) {
    const dx_scan_gradient *p = u->p;
    const float *a = scan_a(u), *b = p->b + row * p->b_stride + u->first, *c = p->c + row * p->c_stride + u->first;
    int64_t at = row * p->channels + u->start;
    bool is_first = u->first == 0;
    floats step = softplus(scan_raw_step(u, row)), input = step * scan_input(u, row), slope = scan_slope(u, row);
    floats y = is_first || !p->z ? splat(0) : load_part(p->dz + at, u->lanes);
    floats dinput = is_first ? splat(0) : load_part(p->dx + at, u->lanes);
    floats dstep = is_first ? splat(0) : load_part(p->ddt + at, u->lanes);
    scan_states db = {0}, dc = {0};
    for (int64_t n = 0; n < u->count; n++) {
        y = FMA(after->at[n], splat(c[n]), y);
        floats reaching = FMA(slope, splat(c[n]), gradient->at[n]);
        dc.at[n] = slope * after->at[n];
        db.at[n] = reaching * input;
        dinput = FMA(reaching, splat(b[n]), dinput);
        floats leaving = reaching * decays->at[n], moved = leaving * before->at[n];
        da->at[n] = FMA(moved, step, da->at[n]);
        dstep = FMA(moved, load(a + n * DX_LANES), dstep);
        gradient->at[n] = leaving;
    }
    if (p->z) store_part(p->dz + at, y, u->lanes);
    store_part(p->dx + at, dinput, u->lanes);
    store_part(p->ddt + at, dstep, u->lanes);
    store_part(scan_db(u, row), totals_of(db.at), u->count);
    store_part(scan_dc(u, row), totals_of(dc.at), u->count);
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

static void scan_gradient_of_states(const scan_unit *u) {
    scan_states states[SCAN_CHUNK + 1], decays[SCAN_CHUNK], gradient = {0}, da = {0};
    int64_t chunks = (u->rows + SCAN_CHUNK - 1) / SCAN_CHUNK;
    states[0] = (scan_states){0};
    for (int64_t chunk = 0; chunk + 1 < chunks; chunk++) {
        int64_t row = u->row + chunk * SCAN_CHUNK;
        for (int i = 0; i < SCAN_CHUNK; i++) scan_move(u, row + i, states, states, decays);
        scan_keep(u, row, states[0]);
    }
    for (int64_t chunk = chunks - 1; chunk >= 0; chunk--) {
        int64_t row = u->row + chunk * SCAN_CHUNK, rows = dx_min(u->rows - chunk * SCAN_CHUNK, SCAN_CHUNK);
        states[0] = chunk > 0 ? scan_kept(u, row - SCAN_CHUNK) : (scan_states){0};
        for (int64_t i = 0; i < rows; i++) scan_move(u, row + i, states + i, states + i + 1, decays + i);
        for (int64_t i = rows - 1; i >= 0; i--) scan_return(u, row + i, states + i, states + i + 1, decays + i, &gradient, &da);
    }
    float *to = u->p->da + ((u->index * u->parts + u->part) * u->p->states + u->first) * DX_LANES;
    for (int64_t n = 0; n < u->count; n++) store(to + n * DX_LANES, da.at[n]);
}

/// Turns the sums over states into dx, ddt and dz.
static void scan_gradient_of_rows(const scan_unit *u) {
    const dx_scan_gradient *p = u->p;
    floats dd = splat(0), d = p->d ? load_part(p->d + u->start, u->lanes) : splat(0);
    for (int64_t row = u->row; row < u->row + u->rows; row++) {
        int64_t at = row * p->channels + u->start;
        floats raw = scan_raw_step(u, row), x = scan_input(u, row), slope = scan_slope(u, row), step = softplus(raw);
        floats dinput = load_part(p->dx + at, u->lanes);
        if (p->z) {
            floats z = load_part(p->z + row * p->z_stride + u->start, u->lanes), y = load_part(p->dz + at, u->lanes);
            floats dy = load_part(p->dy + row * p->dy_stride + u->start, u->lanes);
            if (p->d) y = FMA(d, x, y);
            store_part(p->dz + at, dy * y * silu_slope(z, sigmoid(z)), u->lanes);
        }
        store_part(p->dx + at, p->d ? FMA(d, slope, dinput * step) : dinput * step, u->lanes);
        store_part(p->ddt + at, FMA(dinput, x, load_part(p->ddt + at, u->lanes)) * sigmoid(raw), u->lanes);
        dd = FMA(slope, x, dd);
    }
    if (p->d) store_part(p->dd + u->index * p->channels + u->start, dd, u->lanes);
}

static void scan_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_scan_gradient *p = arguments;
    int64_t parts = (p->channels + DX_LANES - 1) / DX_LANES;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / parts;
        int64_t part = unit % parts, start = part * DX_LANES;
        scan_unit u = {
            .p = p, .index = unit / parts, .row = sequence->row, .rows = sequence->rows, .part = part, .parts = parts,
            .start = start, .lanes = dx_min(DX_LANES, p->channels - start)};
        u.bias = p->dt_bias ? load_part(p->dt_bias + start, u.lanes) : splat(0);
        for (u.first = 0; u.first < p->states; u.first += SCAN_STATES) {
            u.count = dx_min(SCAN_STATES, p->states - u.first);
            scan_gradient_of_states(&u);
        }
        scan_gradient_of_rows(&u);
    }
}
