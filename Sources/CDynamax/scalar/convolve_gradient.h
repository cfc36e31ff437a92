// The gradient of the convolution: the slow obvious form.

/// The slope of the silu at each row of a sequence times dy, as a function of the row: recomputed for each of its uses.
static float convolve_slope(const dx_convolve_gradient *p, const dx_sequence *sequence, int64_t i, int64_t c) {
    float sum = p->bias ? p->bias[c] : 0;
    for (int64_t tap = 0; tap < p->taps; tap++) {
        int64_t at = i - p->taps + 1 + tap;
        float x = at < 0 ? 0 : p->x[(sequence->row + at) * p->x_stride + c];
        sum = FMA(p->weights[tap * p->channels + c], x, sum);
    }
    return p->dy[(sequence->row + i) * p->dy_stride + c] * silu_slope(sum, sigmoid(sum));
}

static void convolve_gradient_of_channel(const dx_convolve_gradient *p, int64_t c) {
    float dweights[8] = {0}, dbias = 0;
    for (int64_t n = 0; n < p->count; n++) {
        const dx_sequence *sequence = p->sequences + n;
        for (int64_t i = 0; i < sequence->rows; i++) {
            float slope = convolve_slope(p, sequence, i, c), dx = 0;
            dbias = dbias + slope;
            for (int64_t tap = 0; tap < p->taps; tap++) {
                int64_t at = i - p->taps + 1 + tap;
                float x = at < 0 ? 0 : p->x[(sequence->row + at) * p->x_stride + c];
                dweights[tap] = FMA(slope, x, dweights[tap]);
            }
            for (int64_t tap = p->taps - 1; tap >= 0; tap--) {
                int64_t at = i + p->taps - 1 - tap;
                if (at >= sequence->rows) break;
                dx = FMA(p->weights[tap * p->channels + c], convolve_slope(p, sequence, at, c), dx);
            }
            p->dx[(sequence->row + i) * p->dx_stride + c] = dx;
        }
    }
    for (int64_t tap = 0; tap < p->taps; tap++) p->dweights[tap * p->channels + c] = dweights[tap];
    if (p->dbias) p->dbias[c] = dbias;
}

static void convolve_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_convolve_gradient *p = arguments;
    for (int64_t c = from * DX_LANES; c < dx_min(to * DX_LANES, p->channels); c++) convolve_gradient_of_channel(p, c);
}
