// Recurrences over the tokens of sequences.

/// Sixteen channels, or `count`. The last inputs are held in registers; `taps` is a constant.
static inline ALWAYS void convolve_lanes(int64_t taps, const dx_convolve *p, const dx_sequence *sequence, int64_t start, int64_t count) {
    floats inputs[8], weights[8];
    for (int64_t tap = 0; tap < taps; tap++) {
        weights[tap] = load_part(p->weights + tap * p->channels + start, count);
        if (tap + 1 < taps) inputs[tap] = load_part(dx_old_window(sequence) + tap * p->channels + start, count);
    }
    floats bias = p->bias ? load_part(p->bias + start, count) : splat(0);
    for (int64_t row = sequence->row; row < sequence->row + sequence->rows; row++) {
        inputs[taps - 1] = load_part(p->x + row * p->x_stride + start, count);
        floats sum = bias;
        for (int64_t tap = 0; tap < taps; tap++) sum = FMA(weights[tap], inputs[tap], sum);
        store_part(p->y + row * p->y_stride + start, p->silu ? silu(sum) : sum, count);
        for (int64_t tap = 0; tap + 1 < taps; tap++) inputs[tap] = inputs[tap + 1];
    }
    for (int64_t tap = 0; tap + 1 < taps; tap++) store_part(sequence->window + tap * p->channels + start, inputs[tap], count);
}

static void convolve(const void *arguments, int64_t from, int64_t to) {
    const dx_convolve *p = arguments;
    int64_t parts = (p->channels + DX_LANES - 1) / DX_LANES;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / parts;
        int64_t start = unit % parts * DX_LANES, count = p->channels - start;
        if (p->taps == 4) convolve_lanes(4, p, sequence, start, count);
        else convolve_lanes(p->taps, p, sequence, start, count);
    }
}

static void scan(const void *arguments, int64_t from, int64_t to) {
    const dx_scan *p = arguments;
    int64_t parts = (p->channels + DX_LANES - 1) / DX_LANES, states = p->states;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / parts;
        int64_t part = unit % parts, start = part * DX_LANES, count = p->channels - start;
        const float *a = p->a + part * states * DX_LANES;
        float *state = sequence->state + part * states * DX_LANES;
        const float *old = dx_old_state(sequence) + part * states * DX_LANES;
        floats bias = p->dt_bias ? load_part(p->dt_bias + start, count) : splat(0);
        for (int64_t row = sequence->row; row < sequence->row + sequence->rows; row++) {
            const float *b = p->b + row * p->b_stride, *c = p->y ? p->c + row * p->c_stride : b;
            floats x = load_part(p->x + row * p->x_stride + start, count);
            floats step = softplus(load_part(p->dt + row * p->dt_stride + start, count) + bias);
            floats input = step * x, sum = splat(0);
            for (int64_t n = 0; n < states; n++) {
                floats decay = exponential(step * load(a + n * DX_LANES));
                floats next = FMA(decay, load(old + n * DX_LANES), input * splat(b[n]));
                store(state + n * DX_LANES, next);
                sum = FMA(next, splat(c[n]), sum);
            }
            old = state;
            if (!p->y) continue;
            if (p->d) sum = FMA(load_part(p->d + start, count), x, sum);
            if (p->z) sum = sum * silu(load_part(p->z + row * p->z_stride + start, count));
            store_part(p->y + row * p->y_stride + start, sum, count);
        }
    }
}

/// A few tokens of one head: each vector of the state is loaded once, moved over all of them, and stored.
typedef struct {
    const dx_ssd *p;
    const float *x, *b, *c, *decay, *step;  // of the first token; c is b where there is no y
    const float *old;                       // the state before it
    float *y, *state;
    float d;
} ssd_tokens;

static inline ALWAYS void ssd_tile(int tokens, int vectors, const ssd_tokens *t, int64_t column) {
    const dx_ssd *p = t->p;
    int64_t states = p->states, padded = DX_VALUE_STRIDE(p->width);
    floats x[SSD_TOKENS][SSD_VECTORS], inputs[SSD_TOKENS][SSD_VECTORS], sums[SSD_TOKENS][SSD_VECTORS];
    UNROLL for (int i = 0; i < tokens; i++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            int64_t c = column + v * DX_LANES;
            x[i][v] = load_part(t->x + i * p->x_stride + c, p->width - c);
            inputs[i][v] = splat(t->step[i]) * x[i][v];
            sums[i][v] = splat(0);
        }
    }
    for (int64_t n = 0; n < states; n++) {
        floats state[SSD_VECTORS];
        const float *old = t->old + n * padded + column;
        float *at = t->state + n * padded + column;
        UNROLL for (int v = 0; v < vectors; v++) state[v] = load(old + v * DX_LANES);
        UNROLL for (int i = 0; i < tokens; i++) {
            floats b = splat(t->b[i * p->b_stride + n]), c = splat(t->c[i * (p->y ? p->c_stride : p->b_stride) + n]);
            UNROLL for (int v = 0; v < vectors; v++) {
                state[v] = FMA(splat(t->decay[i]), state[v], b * inputs[i][v]);
                sums[i][v] = FMA(state[v], c, sums[i][v]);
            }
        }
        UNROLL for (int v = 0; v < vectors; v++) store(at + v * DX_LANES, state[v]);
    }
    if (!p->y) return;
    UNROLL for (int i = 0; i < tokens; i++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            int64_t c = column + v * DX_LANES;
            floats sum = p->d ? FMA(splat(t->d), x[i][v], sums[i][v]) : sums[i][v];
            store_part(t->y + i * p->y_stride + c, sum, p->width - c);
        }
    }
}

static inline ALWAYS void ssd_columns(int tokens, const ssd_tokens *t) {
    int64_t padded = DX_VALUE_STRIDE(t->p->width), column = 0, wide = SSD_VECTORS * DX_LANES;
    for (; column + wide <= padded; column += wide) ssd_tile(tokens, SSD_VECTORS, t, column);
    for (; SSD_VECTORS > 1 && column < padded; column += DX_LANES) ssd_tile(tokens, 1, t, column);
}

static void ssd(const void *arguments, int64_t from, int64_t to) {
    const dx_ssd *p = arguments;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / p->heads;
        int64_t head = unit % p->heads, group = head / (p->heads / p->groups);
        float *state = sequence->state + head * p->states * DX_VALUE_STRIDE(p->width);
        const float *old = dx_old_state(sequence) + head * p->states * DX_VALUE_STRIDE(p->width);
        for (int64_t i = 0; i < sequence->rows;) {
            int64_t row = sequence->row + i, tokens = dx_min(sequence->rows - i, SSD_TOKENS);
            float step[SSD_TOKENS], decay[SSD_TOKENS];
            for (int64_t j = 0; j < tokens; j++) {
                floats raw = splat(p->dt[(row + j) * p->dt_stride + head] + (p->dt_bias ? p->dt_bias[head] : 0));
                step[j] = dx_clamped(softplus(raw)[0], p->low, p->high);
                decay[j] = exponential(splat(step[j] * p->a[head]))[0];
            }
            ssd_tokens t = {
                .p = p, .x = p->x + row * p->x_stride + head * p->width, .b = p->b + row * p->b_stride + group * p->states,
                .decay = decay, .step = step, .d = p->d ? p->d[head] : 0,
                .old = i == 0 ? old : state, .state = state};
            t.c = p->y ? p->c + row * p->c_stride + group * p->states : t.b;
            t.y = p->y ? p->y + row * p->y_stride + head * p->width : NULL;
            UNROLL for (int count = 1; count <= SSD_TOKENS; count++) {
                if (tokens == count) ssd_columns(count, &t);
            }
            i += tokens;
        }
    }
}
