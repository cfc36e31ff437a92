// Gradients of the kernels in rows.h: the slow obvious form.

static void rms_norm_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_rms_norm_gradient *p = arguments;
    for (int64_t row = from; row < to; row++) {
        for (int64_t start = 0; start < p->width; start += p->group) {
            const float *x = p->x + row * p->x_stride + start, *dy = p->dy + row * p->dy_stride + start;
            const float *gate = p->gate ? p->gate + row * p->gate_stride + start : NULL;
            const float *weight = p->weight ? p->weight + (p->weight_repeats ? 0 : start) : NULL;
            float squares[16] = {0}, products[16] = {0};
            for (int64_t i = 0; i < p->group; i++) {
                float value = gate ? x[i] * silu(gate[i]) : x[i], slope = weight ? dy[i] * weight[i] : dy[i];
                squares[i % 16] = FMA(value, value, squares[i % 16]);
                products[i % 16] = FMA(slope, value, products[i % 16]);
            }
            float scale = 1 / __builtin_elementwise_sqrt(total(squares) / (float)p->group + p->epsilon);
            float pull = scale * scale * (total(products) / (float)p->group);
            for (int64_t i = 0; i < p->group; i++) {
                int64_t at = row * p->width + start + i;
                float value = gate ? x[i] * silu(gate[i]) : x[i], slope = weight ? dy[i] * weight[i] : dy[i];
                float dvalue = scale * FMA(-value, pull, slope);
                if (p->scaled) p->scaled[at] = value * scale;
                if (gate) p->dgate[at] = dvalue * x[i] * silu_slope(gate[i], sigmoid(gate[i]));
                p->dx[at] = gate ? dvalue * silu(gate[i]) : dvalue;
            }
        }
    }
}

static void swiglu_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_swiglu_gradient *p = arguments;
    for (int64_t row = from; row < to; row++) {
        for (int64_t i = 0; i < p->width; i++) {
            float gate = p->gate[row * p->gate_stride + i], up = p->up[row * p->up_stride + i];
            float dy = p->dy[row * p->dy_stride + i], s = sigmoid(gate);
            p->dgate[row * p->dgate_stride + i] = dy * up * silu_slope(gate, s);
            p->dup[row * p->dup_stride + i] = dy * (gate * s);
        }
    }
}

static void softmax_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_softmax_gradient *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *y = p->y + row * p->y_stride, *dy = p->dy + row * p->dy_stride;
        float sums[16] = {0};
        for (int64_t i = 0; i < p->width; i++) sums[i % 16] = FMA(dy[i], y[i], sums[i % 16]);
        float mean = total(sums);
        for (int64_t i = 0; i < p->width; i++) p->dx[row * p->dx_stride + i] = y[i] * (dy[i] - mean);
    }
}
