// Kernels whose units are rows.

static inline ALWAYS void rms_norm_group(
    const float *x, const float *gate, const float *weight, float epsilon, int64_t width, float *y) {
    floats sums = splat(0);
    for (int64_t i = 0; i < width; i += 16) {
        floats value = load_part(x + i, width - i);
        if (gate) {
            value = value * silu(load_part(gate + i, width - i));
            store_part(y + i, value, width - i);
        }
        sums = FMA(value, value, sums);
    }
    floats scale = splat(1 / __builtin_elementwise_sqrt(total(sums) / (float)width + epsilon));
    const float *values = gate ? y : x;
    for (int64_t i = 0; i < width; i += 16) {
        floats value = load_part(values + i, width - i) * scale;
        if (weight) value = value * load_part(weight + i, width - i);
        store_part(y + i, value, width - i);
    }
}

static void rms_norm(const void *arguments, int64_t from, int64_t to) {
    const dx_rms_norm *p = arguments;
    for (int64_t row = from; row < to; row++) {
        for (int64_t start = 0; start < p->width; start += p->group) {
            const float *gate = p->gate ? p->gate + row * p->gate_stride + start : NULL;
            const float *weight = p->weight ? p->weight + (p->weight_repeats ? 0 : start) : NULL;
            rms_norm_group(
                p->x + row * p->x_stride + start, gate, weight, p->epsilon, p->group, p->y + row * p->y_stride + start);
        }
    }
}

static inline ALWAYS void rotate_halves(const float *x, const float *cosines, const float *sines, int64_t pairs, float *y) {
    for (int64_t i = 0; i < pairs; i += 16) {
        int64_t count = pairs - i;
        floats a = load_part(x + i, count), b = load_part(x + pairs + i, count);
        floats cosine = load_part(cosines + i, count), sine = load_part(sines + i, count);
        store_part(y + i, a * cosine - b * sine, count);
        store_part(y + pairs + i, b * cosine + a * sine, count);
    }
}

static inline ALWAYS void rotate_neighbours(
    const float *x, const float *cosines, const float *sines, int64_t pairs, float *y) {
    for (int64_t i = 0; i < pairs; i += 16) {
        int64_t count = pairs - i, first = dx_min(2 * count, 16), second = dx_max(2 * count - 16, 0);
        floats low = load_part(x + 2 * i, first), high = load_part(x + 2 * i + 16, second);
        floats a = __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        floats b = __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        floats cosine = load_part(cosines + i, count), sine = load_part(sines + i, count);
        floats p = a * cosine - b * sine, q = b * cosine + a * sine;
        low = __builtin_shufflevector(p, q, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        high = __builtin_shufflevector(p, q, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        store_part(y + 2 * i, low, first);
        store_part(y + 2 * i + 16, high, second);
    }
}

static void rotary(const void *arguments, int64_t from, int64_t to) {
    const dx_rotary *p = arguments;
    int64_t pairs = p->rotated / 2;
    for (int64_t row = from; row < to; row++) {
        const float *cosines = p->cosines + row * pairs, *sines = p->sines + row * pairs;
        for (int64_t head = 0; head < p->heads; head++) {
            const float *x = p->x + row * p->x_stride + head * p->width;
            float *y = p->y + row * p->y_stride + head * p->width;
            if (p->interleaved) rotate_neighbours(x, cosines, sines, pairs, y);
            else rotate_halves(x, cosines, sines, pairs, y);
            for (int64_t i = p->rotated; i < p->width; i += 16) store_part(y + i, load_part(x + i, p->width - i), p->width - i);
        }
    }
}

static void swiglu(const void *arguments, int64_t from, int64_t to) {
    const dx_swiglu *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *gate = p->gate + row * p->gate_stride, *up = p->up + row * p->up_stride;
        for (int64_t i = 0; i < p->width; i += 16) {
            int64_t count = p->width - i;
            floats value = silu(load_part(gate + i, count)) * load_part(up + i, count);
            store_part(p->y + row * p->y_stride + i, value, count);
        }
    }
}

/// The first `count` elements and -infinity.
static inline ALWAYS floats load_scores(const float *p, int64_t count) {
    return count >= 16 ? load(p) : lanes_below(count) ? load_part(p, count) : splat(-INFINITY);
}

static void softmax(const void *arguments, int64_t from, int64_t to) {
    const dx_softmax *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *x = p->x + row * p->x_stride;
        float *y = p->y + row * p->y_stride;
        floats largest = splat(-INFINITY), sums = splat(0);
        for (int64_t i = 0; i < p->width; i += 16) {
            floats value = load_scores(x + i, p->width - i);
            largest = value > largest ? value : largest;
        }
        floats maximum = splat(largest_lane(largest));
        for (int64_t i = 0; i < p->width; i += 16) {
            floats value = load_part(x + i, p->width - i);
            floats weight = exponential((value - maximum) / splat(p->temperature));
            if (p->width - i < 16) weight = lanes_below(p->width - i) ? weight : splat(0);
            store_part(y + i, weight, p->width - i);
            sums = sums + weight;
        }
        floats sum = splat(total(sums));
        for (int64_t i = 0; i < p->width; i += 16) store_part(y + i, load_part(y + i, p->width - i) / sum, p->width - i);
    }
}

static void cosine(const void *arguments, int64_t from, int64_t to) {
    const dx_cosine *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *a = p->a + row * p->a_stride, *b = p->b + row * p->b_stride;
        floats products = splat(0), squares_a = splat(0), squares_b = splat(0);
        for (int64_t i = 0; i < p->width; i += 16) {
            floats left = load_part(a + i, p->width - i), right = load_part(b + i, p->width - i);
            floats next = FMA(left, right, products);
            products = lanes_below(dx_min(p->width - i, 16)) ? next : products;  // adding 0 would turn -0 into 0
            squares_a = FMA(left, left, squares_a);
            squares_b = FMA(right, right, squares_b);
        }
        p->y[row] = dx_cosine_of(total(products), total(squares_a), total(squares_b));
    }
}
