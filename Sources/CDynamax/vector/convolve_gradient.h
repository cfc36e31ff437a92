// The gradient of the convolution.

/// Sixteen channels, or `count`, of all sequences; `taps` is a constant.
static inline ALWAYS void convolve_gradient_lanes(int64_t taps, const dx_convolve_gradient *p, int64_t start, int64_t count) {
    floats weights[8], dweights[8], inputs[8], dinputs[8];
    floats bias = p->bias ? load_part(p->bias + start, count) : splat(0), dbias = splat(0);
    for (int64_t tap = 0; tap < taps; tap++) {
        weights[tap] = load_part(p->weights + tap * p->channels + start, count);
        dweights[tap] = splat(0);
    }
    for (int64_t n = 0; n < p->count; n++) {
        const dx_sequence *sequence = p->sequences + n;
        for (int64_t tap = 0; tap < taps; tap++) inputs[tap] = dinputs[tap] = splat(0);
        for (int64_t i = 0; i < sequence->rows + taps - 1; i++) {
            int64_t row = sequence->row + i;
            if (i < sequence->rows) {
                inputs[taps - 1] = load_part(p->x + row * p->x_stride + start, count);
                floats sum = bias;
                for (int64_t tap = 0; tap < taps; tap++) sum = FMA(weights[tap], inputs[tap], sum);
                floats slope = load_part(p->dy + row * p->dy_stride + start, count) * silu_slope(sum, sigmoid(sum));
                dbias = dbias + slope;
                for (int64_t tap = 0; tap < taps; tap++) {
                    dweights[tap] = FMA(slope, inputs[tap], dweights[tap]);
                    dinputs[tap] = FMA(weights[tap], slope, dinputs[tap]);
                }
            }
            // The input taps - 1 rows ago has now given to all rows that it reaches.
            if (i >= taps - 1) store_part(p->dx + (row - taps + 1) * p->dx_stride + start, dinputs[0], count);
            for (int64_t tap = 0; tap + 1 < taps; tap++) {
                inputs[tap] = inputs[tap + 1];
                dinputs[tap] = dinputs[tap + 1];
            }
            dinputs[taps - 1] = splat(0);
        }
    }
    for (int64_t tap = 0; tap < taps; tap++) store_part(p->dweights + tap * p->channels + start, dweights[tap], count);
    if (p->dbias) store_part(p->dbias + start, dbias, count);
}

static void convolve_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_convolve_gradient *p = arguments;
    for (int64_t block = from; block < to; block++) {
        int64_t start = block * DX_LANES, count = p->channels - start;
        if (p->taps == 4) convolve_gradient_lanes(4, p, start, count);
        else convolve_gradient_lanes(p->taps, p, start, count);
    }
}
