// Gradients of the kernels in rows.h.

/// One group of columns of one row; `scaled` and what belongs to the gate may be NULL.
typedef struct {
    const float *x, *gate, *weight, *dy;
    float *dx, *dgate, *scaled;
    int64_t width;
} norm_group;

static inline ALWAYS floats norm_value(const norm_group *g, int64_t i) {
    floats x = load_part(g->x + i, g->width - i);
    return g->gate ? x * silu(load_part(g->gate + i, g->width - i)) : x;
}

static inline ALWAYS floats norm_slope(const norm_group *g, int64_t i) {
    floats dy = load_part(g->dy + i, g->width - i);
    return g->weight ? dy * load_part(g->weight + i, g->width - i) : dy;
}

static inline ALWAYS void rms_norm_gradient_of_group(const norm_group *g, float epsilon) {
    floats squares = splat(0), products = splat(0);
    for (int64_t i = 0; i < g->width; i += 16) {
        floats value = norm_value(g, i);
        squares = FMA(value, value, squares);
        products = FMA(norm_slope(g, i), value, products);
    }
    float root = 1 / __builtin_elementwise_sqrt(total(squares) / (float)g->width + epsilon);
    floats scale = splat(root), pull = splat(root * root * (total(products) / (float)g->width));
    for (int64_t i = 0; i < g->width; i += 16) {
        int64_t count = g->width - i;
        floats value = norm_value(g, i), dvalue = scale * FMA(-value, pull, norm_slope(g, i));
        if (g->scaled) store_part(g->scaled + i, value * scale, count);
        if (g->gate) {
            floats x = load_part(g->x + i, count), gate = load_part(g->gate + i, count);
            store_part(g->dgate + i, dvalue * x * silu_slope(gate, sigmoid(gate)), count);
            dvalue = dvalue * silu(gate);
        }
        store_part(g->dx + i, dvalue, count);
    }
}

static void rms_norm_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_rms_norm_gradient *p = arguments;
    for (int64_t row = from; row < to; row++) {
        for (int64_t start = 0; start < p->width; start += p->group) {
            int64_t at = row * p->width + start;
            norm_group group = {
                .x = p->x + row * p->x_stride + start, .gate = p->gate ? p->gate + row * p->gate_stride + start : NULL,
                .weight = p->weight ? p->weight + (p->weight_repeats ? 0 : start) : NULL,
                .dy = p->dy + row * p->dy_stride + start, .dx = p->dx + at, .dgate = p->gate ? p->dgate + at : NULL,
                .scaled = p->scaled ? p->scaled + at : NULL, .width = p->group};
            rms_norm_gradient_of_group(&group, p->epsilon);
        }
    }
}

static void swiglu_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_swiglu_gradient *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *gates = p->gate + row * p->gate_stride, *ups = p->up + row * p->up_stride;
        for (int64_t i = 0; i < p->width; i += 16) {
            int64_t count = p->width - i;
            floats gate = load_part(gates + i, count), up = load_part(ups + i, count);
            floats dy = load_part(p->dy + row * p->dy_stride + i, count), s = sigmoid(gate);
            store_part(p->dgate + row * p->dgate_stride + i, dy * up * silu_slope(gate, s), count);
            store_part(p->dup + row * p->dup_stride + i, dy * (gate * s), count);
        }
    }
}

static void softmax_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_softmax_gradient *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *y = p->y + row * p->y_stride, *dy = p->dy + row * p->dy_stride;
        floats sums = splat(0);
        for (int64_t i = 0; i < p->width; i += 16) {
            sums = FMA(load_part(dy + i, p->width - i), load_part(y + i, p->width - i), sums);
        }
        floats mean = splat(total(sums));
        for (int64_t i = 0; i < p->width; i += 16) {
            int64_t count = p->width - i;
            store_part(p->dx + row * p->dx_stride + i, load_part(y + i, count) * (load_part(dy + i, count) - mean), count);
        }
    }
}
