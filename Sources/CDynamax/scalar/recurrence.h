// Recurrences over the tokens of sequences: the slow obvious form.

static void convolve(const void *arguments, int64_t from, int64_t to) {
    const dx_convolve *p = arguments;
    int64_t parts = (p->channels + DX_LANES - 1) / DX_LANES, history = p->taps - 1;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / parts;
        int64_t start = unit % parts * DX_LANES;
        for (int64_t c = start; c < dx_min(start + DX_LANES, p->channels); c++) {
            float inputs[8];  // the last taps - 1 inputs and the current one
            for (int64_t tap = 0; tap < history; tap++) inputs[tap] = dx_old_window(sequence)[tap * p->channels + c];
            for (int64_t i = 0; i < sequence->rows; i++) {
                int64_t row = sequence->row + i;
                inputs[history] = p->x[row * p->x_stride + c];
                float sum = p->bias ? p->bias[c] : 0;
                for (int64_t tap = 0; tap < p->taps; tap++) {
                    sum = FMA(p->weights[tap * p->channels + c], inputs[tap], sum);
                }
                p->y[row * p->y_stride + c] = p->silu ? silu(sum) : sum;
                for (int64_t tap = 0; tap < history; tap++) inputs[tap] = inputs[tap + 1];
            }
            for (int64_t tap = 0; tap < history; tap++) sequence->window[tap * p->channels + c] = inputs[tap];
        }
    }
}

/// Copies a part of the state to where it moves.
static void dx_take_old_state(const dx_sequence *sequence, int64_t start, int64_t count) {
    if (!sequence->old_state) return;
    for (int64_t i = start; i < start + count; i++) sequence->state[i] = sequence->old_state[i];
}

static void scan(const void *arguments, int64_t from, int64_t to) {
    const dx_scan *p = arguments;
    int64_t parts = (p->channels + DX_LANES - 1) / DX_LANES, states = p->states;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / parts;
        int64_t part = unit % parts;
        dx_take_old_state(sequence, part * states * DX_LANES, states * DX_LANES);
        for (int64_t i = 0; i < sequence->rows; i++) {
            int64_t row = sequence->row + i;
            for (int64_t c = part * DX_LANES; c < dx_min((part + 1) * DX_LANES, p->channels); c++) {
                float x = p->x[row * p->x_stride + c];
                float step = softplus(p->dt[row * p->dt_stride + c] + (p->dt_bias ? p->dt_bias[c] : 0));
                float input = step * x, sum = 0;
                for (int64_t n = 0; n < states; n++) {
                    int64_t index = (part * states + n) * DX_LANES + c % DX_LANES;
                    float *state = sequence->state + index;
                    float decay = exponential(step * p->a[index]);
                    *state = FMA(decay, *state, input * p->b[row * p->b_stride + n]);
                    if (p->y) sum = FMA(*state, p->c[row * p->c_stride + n], sum);
                }
                if (!p->y) continue;
                if (p->d) sum = FMA(p->d[c], x, sum);
                if (p->z) sum = sum * silu(p->z[row * p->z_stride + c]);
                p->y[row * p->y_stride + c] = sum;
            }
        }
    }
}

static void ssd(const void *arguments, int64_t from, int64_t to) {
    const dx_ssd *p = arguments;
    int64_t width = p->width, padded = DX_VALUE_STRIDE(width), states = p->states;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / p->heads;
        int64_t head = unit % p->heads, group = head / (p->heads / p->groups);
        float *state = sequence->state + head * states * padded;
        dx_take_old_state(sequence, head * states * padded, states * padded);
        for (int64_t i = 0; i < sequence->rows; i++) {
            int64_t row = sequence->row + i;
            const float *x = p->x + row * p->x_stride + head * width;
            const float *b = p->b + row * p->b_stride + group * states;
            float raw = p->dt[row * p->dt_stride + head] + (p->dt_bias ? p->dt_bias[head] : 0);
            float step = dx_clamped(softplus(raw), p->low, p->high);
            float decay = exponential(step * p->a[head]);
            for (int64_t j = 0; j < width; j++) {
                float input = step * x[j], sum = 0;
                for (int64_t n = 0; n < states; n++) {
                    float *s = state + n * padded + j;
                    *s = FMA(decay, *s, b[n] * input);
                    if (p->y) sum = FMA(*s, p->c[row * p->c_stride + group * states + n], sum);
                }
                if (!p->y) continue;
                p->y[row * p->y_stride + head * width + j] = p->d ? FMA(p->d[head], x[j], sum) : sum;
            }
        }
    }
}
