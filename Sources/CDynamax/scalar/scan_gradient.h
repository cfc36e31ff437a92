// The gradient of the Mamba-1 scan: the slow obvious form.
//
// It takes 16 states at a time through the whole sequence. States are recomputed in chunks of 16 rows. The states at the
// end of a chunk are kept where the chunk's db will be written: row i of the chunk holds those of channel i. Sums over
// states grow in dx, ddt and dz until all states have been seen.

enum { SCAN_CHUNK = 16, SCAN_STATES = 16 };

/// Sixteen channels of one sequence.
typedef struct {
    const dx_scan_gradient *p;
    int64_t index, row, rows;  // of the sequence
    int64_t part, parts, start, lanes;
} scan_unit;

static float scan_raw_step(const scan_unit *u, int64_t row, int64_t lane) {
    const dx_scan_gradient *p = u->p;
    return p->dt[row * p->dt_stride + u->start + lane] + (p->dt_bias ? p->dt_bias[u->start + lane] : 0);
}

static float scan_a(const scan_unit *u, int64_t n, int64_t lane) {
    return u->p->a[(u->part * u->p->states + n) * DX_LANES + lane];
}

static float *scan_db(const scan_unit *u, int64_t row) {
    return u->p->db + (row * u->parts + u->part) * u->p->states;
}

/// dy times the slope of y with respect to the sum over states.
static float scan_slope(const scan_unit *u, int64_t row, int64_t lane) {
    const dx_scan_gradient *p = u->p;
    float dy = p->dy[row * p->dy_stride + u->start + lane];
    float z = p->z ? p->z[row * p->z_stride + u->start + lane] : 0;
    return p->z ? dy * (z * sigmoid(z)) : dy;
}

typedef float scan_state[SCAN_STATES][DX_LANES];

/// Moves states `first ..< first + count` over a row.
static void scan_move(
    const scan_unit *u, int64_t row, int64_t first, int64_t count, scan_state before, scan_state after, scan_state decays) {
    const dx_scan_gradient *p = u->p;
    for (int64_t lane = 0; lane < u->lanes; lane++) {
        float step = softplus(scan_raw_step(u, row, lane)), input = step * p->x[row * p->x_stride + u->start + lane];
        for (int64_t n = 0; n < count; n++) {
            decays[n][lane] = exponential(step * scan_a(u, first + n, lane));
            after[n][lane] = FMA(decays[n][lane], before[n][lane], input * p->b[row * p->b_stride + first + n]);
        }
    }
}

/// From the gradient of the states after a row to that before it.
static void scan_return(
    const scan_unit *u, int64_t row, int64_t first, int64_t count, scan_state before, scan_state after, scan_state decays,
    scan_state gradient, scan_state da) {
    const dx_scan_gradient *p = u->p;
    const float *b = p->b + row * p->b_stride + first, *c = p->c + row * p->c_stride + first;
    float db[SCAN_STATES][DX_LANES] = {0}, dc[SCAN_STATES][DX_LANES] = {0};
    for (int64_t lane = 0; lane < u->lanes; lane++) {
        int64_t at = row * p->channels + u->start + lane;
        float step = softplus(scan_raw_step(u, row, lane)), input = step * p->x[row * p->x_stride + u->start + lane];
        float slope = scan_slope(u, row, lane);
        float y = first > 0 && p->z ? p->dz[at] : 0, dinput = first > 0 ? p->dx[at] : 0, dstep = first > 0 ? p->ddt[at] : 0;
        for (int64_t n = 0; n < count; n++) {
            y = FMA(after[n][lane], c[n], y);
            float reaching = FMA(slope, c[n], gradient[n][lane]);
            dc[n][lane] = slope * after[n][lane];
            db[n][lane] = reaching * input;
            dinput = FMA(reaching, b[n], dinput);
            float leaving = reaching * decays[n][lane], moved = leaving * before[n][lane];
            da[n][lane] = FMA(moved, step, da[n][lane]);
            dstep = FMA(moved, scan_a(u, first + n, lane), dstep);
            gradient[n][lane] = leaving;
        }
        if (p->z) p->dz[at] = y;
        p->dx[at] = dinput;
        p->ddt[at] = dstep;
    }
    for (int64_t n = 0; n < count; n++) {
        scan_db(u, row)[first + n] = total(db[n]);
        p->dc[(row * u->parts + u->part) * p->states + first + n] = total(dc[n]);
    }
}

static void scan_gradient_of_states(const scan_unit *u, int64_t first, int64_t count) {
    scan_state states[SCAN_CHUNK + 1] = {0}, decays[SCAN_CHUNK], gradient = {0}, da = {0};
    int64_t chunks = (u->rows + SCAN_CHUNK - 1) / SCAN_CHUNK;
    for (int64_t chunk = 0; chunk + 1 < chunks; chunk++) {
        int64_t row = u->row + chunk * SCAN_CHUNK;
        for (int i = 0; i < SCAN_CHUNK; i++) scan_move(u, row + i, first, count, states[0], states[0], decays[0]);
        for (int lane = 0; lane < DX_LANES; lane++) {
            for (int64_t n = 0; n < count; n++) scan_db(u, row + lane)[first + n] = states[0][n][lane];
        }
    }
    for (int64_t chunk = chunks - 1; chunk >= 0; chunk--) {
        int64_t row = u->row + chunk * SCAN_CHUNK, rows = dx_min(u->rows - chunk * SCAN_CHUNK, SCAN_CHUNK);
        for (int lane = 0; lane < DX_LANES; lane++) {
            for (int64_t n = 0; n < count; n++) {
                states[0][n][lane] = chunk > 0 ? scan_db(u, row - SCAN_CHUNK + lane)[first + n] : 0;
            }
        }
        for (int64_t i = 0; i < rows; i++) scan_move(u, row + i, first, count, states[i], states[i + 1], decays[i]);
        for (int64_t i = rows - 1; i >= 0; i--) {
            scan_return(u, row + i, first, count, states[i], states[i + 1], decays[i], gradient, da);
        }
    }
    float *to = u->p->da + ((u->index * u->parts + u->part) * u->p->states + first) * DX_LANES;
    memcpy(to, da, (size_t)count * sizeof da[0]);
}

/// Turns the sums over states into dx, ddt and dz.
static void scan_gradient_of_rows(const scan_unit *u) {
    const dx_scan_gradient *p = u->p;
    for (int64_t lane = 0; lane < u->lanes; lane++) {
        float dd = 0, d = p->d ? p->d[u->start + lane] : 0;
        for (int64_t row = u->row + u->rows - 1; row >= u->row; row--) {
            int64_t at = row * p->channels + u->start + lane;
            float raw = scan_raw_step(u, row, lane), x = p->x[row * p->x_stride + u->start + lane];
            float slope = scan_slope(u, row, lane), dinput = p->dx[at];
            if (p->z) {
                float z = p->z[row * p->z_stride + u->start + lane], y = p->d ? FMA(d, x, p->dz[at]) : p->dz[at];
                p->dz[at] = p->dy[row * p->dy_stride + u->start + lane] * y * silu_slope(z, sigmoid(z));
            }
            p->dx[at] = p->d ? FMA(d, slope, dinput * softplus(raw)) : dinput * softplus(raw);
            p->ddt[at] = FMA(dinput, x, p->ddt[at]) * sigmoid(raw);
            dd = FMA(slope, x, dd);
        }
        if (p->d) p->dd[u->index * p->channels + u->start + lane] = dd;
    }
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
        for (int64_t first = 0; first < p->states; first += SCAN_STATES) {
            scan_gradient_of_states(&u, first, dx_min(SCAN_STATES, p->states - first));
        }
        scan_gradient_of_rows(&u);
    }
}
