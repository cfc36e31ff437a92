// The gradient of the Mamba-2 recurrence, in the matrix form of Dao and Gu 2024: the slow obvious form.
//
// Of a chunk of rows, with u[s] = step[s] x[s], S its state at the start and dS the gradient of its state at the end,
// M[t, s] = decay[s + 1] ... decay[t], enter[t] = decay[0] ... decay[t], leave[s] = decay[s + 1] ... decay[end]:
//   dc[t] = enter[t] S dy[t]  + sum over s <= t of M[t, s] (dy[t] . u[s]) b[s]
//   db[s] = leave[s] dS u[s]  + sum over t >= s of M[t, s] (dy[t] . u[s]) c[t]
//   du[s] = leave[s] b[s] dS  + sum over t >= s of M[t, s] (c[t] . b[s]) dy[t]
// The logarithm of decay[t] gathers the products of all paths that cross from t - 1 to t, each of them once.
//
// A chunk has as many rows as a head is wide, so that a state fits where the gradients of a chunk will be written: row j
// holds what belongs to column j of x. The state at the end of each chunk is kept in its db, its gradient in its dc.

/// One head of one sequence.
typedef struct {
    const dx_ssd_gradient *p;
    int64_t head, group, row, rows, chunk;
} ssd_unit;

/// Rows of one chunk, and their steps and decays.
typedef struct {
    int64_t row, rows;
    float step[DX_SSD_CHUNK], decay[DX_SSD_CHUNK], enter[DX_SSD_CHUNK], leave[DX_SSD_CHUNK];
    float through[DX_SSD_CHUNK];  // the gradient of the logarithm of each decay
} ssd_chunk;

static const float *ssd_x(const ssd_unit *u, int64_t row) {
    return u->p->x + row * u->p->x_stride + u->head * u->p->width;
}

static const float *ssd_dy(const ssd_unit *u, int64_t row) {
    return u->p->dy + row * u->p->dy_stride + u->head * u->p->width;
}

static const float *ssd_b(const ssd_unit *u, int64_t row) {
    return u->p->b + row * u->p->b_stride + u->group * u->p->states;
}

static const float *ssd_c(const ssd_unit *u, int64_t row) {
    return u->p->c + row * u->p->c_stride + u->group * u->p->states;
}

static float *ssd_dx(const ssd_unit *u, int64_t row) {
    return u->p->dx + (row * u->p->heads + u->head) * u->p->width;
}

static float *ssd_db(const ssd_unit *u, int64_t row) {
    return u->p->db + (row * u->p->heads + u->head) * u->p->states;
}

static float *ssd_dc(const ssd_unit *u, int64_t row) {
    return u->p->dc + (row * u->p->heads + u->head) * u->p->states;
}

static float ssd_raw_step(const ssd_unit *u, int64_t row) {
    return u->p->dt[row * u->p->dt_stride + u->head] + (u->p->dt_bias ? u->p->dt_bias[u->head] : 0);
}

static void ssd_begin(const ssd_unit *u, int64_t index, ssd_chunk *k) {
    k->row = u->row + index * u->chunk;
    k->rows = dx_min(u->chunk, u->rows - index * u->chunk);
    float product = 1;
    for (int64_t t = 0; t < k->rows; t++) {
        k->step[t] = dx_clamped(softplus(ssd_raw_step(u, k->row + t)), u->p->low, u->p->high);
        k->decay[t] = exponential(k->step[t] * u->p->a[u->head]);
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

/// The state at the end of a chunk, from that at the end of the one before.
static void ssd_advance(const ssd_unit *u, const ssd_chunk *k) {
    for (int64_t j = 0; j < u->p->width; j++) {
        for (int64_t n = 0; n < u->p->states; n++) {
            float state = k->row > u->row ? k->enter[k->rows - 1] * ssd_db(u, k->row - u->chunk + j)[n] : 0;
            for (int64_t s = 0; s < k->rows; s++) {
                state = FMA(k->leave[s] * k->step[s] * ssd_x(u, k->row + s)[j], ssd_b(u, k->row + s)[n], state);
            }
            ssd_db(u, k->row + j)[n] = state;
        }
    }
}

/// What comes back from the state at the end of the chunk: parts of db, du (in dx) and the decays.
static void ssd_return(const ssd_unit *u, ssd_chunk *k, bool is_last) {
    int64_t width = u->p->width, states = u->p->states;
    float through = 0;
    for (int64_t s = 0; s < k->rows; s++) {
        const float *x = ssd_x(u, k->row + s), *b = ssd_b(u, k->row + s);
        float *db = ssd_db(u, k->row + s), *dx = ssd_dx(u, k->row + s), scale = k->leave[s] * k->step[s];
        for (int64_t n = 0; n < states; n++) {
            float sum = 0;
            for (int64_t j = 0; !is_last && j < width; j++) sum = FMA(scale * x[j], ssd_dc(u, k->row + j)[n], sum);
            db[n] = sum;
        }
        for (int64_t j = 0; j < width; j++) {
            float sum = 0;
            for (int64_t n = 0; !is_last && n < states; n++) sum = FMA(ssd_dc(u, k->row + j)[n], b[n], sum);
            dx[j] = k->leave[s] * sum;
        }
        k->through[s] = k->through[s] + through;
        through = FMA(k->step[s], wide_dot(x, dx, width), through);
    }
}

/// The product of the state at the start with its gradient as far as it comes from the end.
static float ssd_carried(const ssd_unit *u, const ssd_chunk *k) {
    float sums[16] = {0};
    for (int64_t j = 0; j < u->p->width; j++) {
        const float *state = ssd_db(u, k->row - u->chunk + j), *gradient = ssd_dc(u, k->row + j);
        for (int64_t n = 0; n < u->p->states; n++) sums[n % 16] = FMA(state[n], gradient[n], sums[n % 16]);
    }
    return k->enter[k->rows - 1] * total(sums);
}

/// The gradient of the state at the start of the chunk, which is the end of the one before.
static void ssd_pass(const ssd_unit *u, const ssd_chunk *k, bool is_last) {
    for (int64_t j = 0; j < u->p->width; j++) {
        for (int64_t n = 0; n < u->p->states; n++) {
            float gradient = is_last ? 0 : k->enter[k->rows - 1] * ssd_dc(u, k->row + j)[n];
            for (int64_t t = 0; t < k->rows; t++) {
                gradient = FMA(k->enter[t] * ssd_dy(u, k->row + t)[j], ssd_c(u, k->row + t)[n], gradient);
            }
            ssd_dc(u, k->row - u->chunk + j)[n] = gradient;
        }
    }
}

/// What the state at the start has given to y: parts of dc and the decays.
static void ssd_enter(const ssd_unit *u, ssd_chunk *k) {
    float through = 0;
    for (int64_t t = k->rows - 1; t >= 0; t--) {
        float *dc = ssd_dc(u, k->row + t);
        for (int64_t n = 0; n < u->p->states; n++) {
            float sum = 0;
            for (int64_t j = 0; k->row > u->row && j < u->p->width; j++) {
                sum = FMA(k->enter[t] * ssd_dy(u, k->row + t)[j], ssd_db(u, k->row - u->chunk + j)[n], sum);
            }
            dc[n] = sum;
        }
        through = through + wide_dot(dc, ssd_c(u, k->row + t), u->p->states);
        k->through[t] = k->through[t] + through;
    }
}

/// What rows of the chunk have given to each other. db[s] and du[s] take rows t in blocks, the last block first.
static void ssd_within(const ssd_unit *u, ssd_chunk *k) {
    const dx_ssd_gradient *p = u->p;
    float of_dy[DX_SSD_CHUNK], of_c[DX_SSD_CHUNK];  // M (c . b) and M (dy . u), by row t
    float crossing[DX_SSD_CHUNK][16];
    int64_t block = dx_ssd_block(u->chunk);
    memset(crossing, 0, (size_t)k->rows * sizeof crossing[0]);
    for (int64_t s = 0; s < k->rows; s++) {
        const float *b = ssd_b(u, k->row + s);
        float *db = ssd_db(u, k->row + s), *dx = ssd_dx(u, k->row + s), input[DX_SSD_CHUNK], decay = 1;
        for (int64_t j = 0; j < p->width; j++) input[j] = k->step[s] * ssd_x(u, k->row + s)[j];
        for (int64_t t = s; t < k->rows; t++) {
            if (t > s) decay = remaining(decay * k->decay[t]);
            of_dy[t] = decay * dot(ssd_c(u, k->row + t), b, p->states);
            of_c[t] = decay * dot(ssd_dy(u, k->row + t), input, p->width);
            float *dc = ssd_dc(u, k->row + t);
            for (int64_t n = 0; n < p->states; n++) dc[n] = FMA(of_c[t], b[n], dc[n]);
        }
        float sum = 0;
        for (int64_t t = k->rows - 1; t > s; t--) {
            sum = sum + of_dy[t] * dot(ssd_dy(u, k->row + t), input, p->width);
            crossing[t][s % 16] = crossing[t][s % 16] + sum;
        }
        for (int64_t first = (k->rows - 1) / block * block; first >= 0; first -= block) {
            for (int64_t t = dx_max(first, s); t < dx_min(first + block, k->rows); t++) {
                for (int64_t n = 0; n < p->states; n++) db[n] = FMA(of_c[t], ssd_c(u, k->row + t)[n], db[n]);
                for (int64_t j = 0; j < p->width; j++) dx[j] = FMA(of_dy[t], ssd_dy(u, k->row + t)[j], dx[j]);
            }
        }
    }
    for (int64_t t = 0; t < k->rows; t++) k->through[t] = k->through[t] + total(crossing[t]);
}

/// From du to the gradients of x and of the time step.
static void ssd_finish(const ssd_unit *u, const ssd_chunk *k, float *da) {
    const dx_ssd_gradient *p = u->p;
    for (int64_t s = 0; s < k->rows; s++) {
        const float *x = ssd_x(u, k->row + s), *dy = ssd_dy(u, k->row + s);
        float *dx = ssd_dx(u, k->row + s), raw = ssd_raw_step(u, k->row + s), step = softplus(raw);
        float dstep = FMA(p->a[u->head], k->through[s], wide_dot(dx, x, p->width));
        float slope = step < p->low || step > p->high ? 0 : sigmoid(raw);
        p->ddt[(k->row + s) * p->heads + u->head] = dstep * slope;
        *da = FMA(k->through[s], k->step[s], *da);
        for (int64_t j = 0; j < p->width; j++) {
            dx[j] = FMA(dx[j], k->step[s], p->d ? p->d[u->head] * dy[j] : 0) + 0.0f;
        }
        // Adding zero makes -0 and 0 the same: it does not matter whether a row was passed over or given 0.
        for (int64_t n = 0; n < p->states; n++) {
            ssd_db(u, k->row + s)[n] = ssd_db(u, k->row + s)[n] + 0.0f;
            ssd_dc(u, k->row + s)[n] = ssd_dc(u, k->row + s)[n] + 0.0f;
        }
    }
}

static float ssd_dd(const ssd_unit *u) {
    float sums[16] = {0};
    for (int64_t row = u->row; row < u->row + u->rows; row++) {
        const float *x = ssd_x(u, row), *dy = ssd_dy(u, row);
        for (int64_t j = 0; j < u->p->width; j++) sums[j % 16] = FMA(dy[j], x[j], sums[j % 16]);
    }
    return total(sums);
}

static void ssd_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_ssd_gradient *p = arguments;
    ssd_chunk k;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / p->heads;
        int64_t head = unit % p->heads;
        ssd_unit u = {
            .p = p, .head = head, .group = head / (p->heads / p->groups), .row = sequence->row, .rows = sequence->rows,
            .chunk = dx_ssd_chunk(p->width)};
        int64_t chunks = (u.rows + u.chunk - 1) / u.chunk;
        float da = 0;
        for (int64_t index = 0; index + 1 < chunks; index++) {
            ssd_begin(&u, index, &k);
            ssd_advance(&u, &k);
        }
        for (int64_t index = chunks - 1; index >= 0; index--) {
            bool is_first = index == 0, is_last = index + 1 == chunks;
            ssd_begin(&u, index, &k);
            ssd_return(&u, &k, is_last);
            float carried = is_first || is_last ? 0 : ssd_carried(&u, &k);
            if (!is_first) ssd_pass(&u, &k, is_last);
            ssd_enter(&u, &k);
            for (int64_t t = 0; t < k.rows; t++) k.through[t] = k.through[t] + carried;
            ssd_within(&u, &k);
            ssd_finish(&u, &k, &da);
        }
        p->da[unit] = da;
        if (p->d) p->dd[unit] = ssd_dd(&u);
    }
}
