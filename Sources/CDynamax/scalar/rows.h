// Kernels whose units are rows: the slow obvious form.

/// The 16 interleaved sums of a row, added from first to last.
static float total(const float sums[16]) {
    float result = sums[0];
    for (int i = 1; i < 16; i++) result = result + sums[i];
    return result;
}

static void rms_norm(const void *arguments, int64_t from, int64_t to) {
    const dx_rms_norm *p = arguments;
    for (int64_t row = from; row < to; row++) {
        for (int64_t start = 0; start < p->width; start += p->group) {
            float *y = p->y + row * p->y_stride + start;
            float sums[16] = {0};
            for (int64_t i = 0; i < p->group; i++) {
                float value = p->x[row * p->x_stride + start + i];
                if (p->gate) value = value * silu(p->gate[row * p->gate_stride + start + i]);
                sums[i % 16] = FMA(value, value, sums[i % 16]);
                y[i] = value;
            }
            float scale = 1 / __builtin_elementwise_sqrt(total(sums) / (float)p->group + p->epsilon);
            for (int64_t i = 0; i < p->group; i++) {
                y[i] = y[i] * scale;
                if (p->weight) y[i] = y[i] * p->weight[p->weight_repeats ? i : start + i];
            }
        }
    }
}

static void rotary(const void *arguments, int64_t from, int64_t to) {
    const dx_rotary *p = arguments;
    int64_t pairs = p->rotated / 2;
    for (int64_t row = from; row < to; row++) {
        for (int64_t head = 0; head < p->heads; head++) {
            const float *x = p->x + row * p->x_stride + head * p->width;
            float *y = p->y + row * p->y_stride + head * p->width;
            for (int64_t i = 0; i < pairs; i++) {
                int64_t first = p->interleaved ? 2 * i : i, second = p->interleaved ? 2 * i + 1 : i + pairs;
                float a = x[first], b = x[second];
                float cosine = p->cosines[row * pairs + i], sine = p->sines[row * pairs + i];
                y[first] = a * cosine - b * sine;
                y[second] = b * cosine + a * sine;
            }
            for (int64_t i = p->rotated; i < p->width; i++) y[i] = x[i];
        }
    }
}

static void swiglu(const void *arguments, int64_t from, int64_t to) {
    const dx_swiglu *p = arguments;
    for (int64_t row = from; row < to; row++) {
        for (int64_t i = 0; i < p->width; i++) {
            p->y[row * p->y_stride + i] = silu(p->gate[row * p->gate_stride + i]) * p->up[row * p->up_stride + i];
        }
    }
}

static void summarize(const void *arguments, int64_t from, int64_t to) {
    const dx_summarize *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *x = p->logits + row * p->stride;
        float maximum = -INFINITY, second = -INFINITY;
        int32_t argmax = 0;
        for (int64_t i = 0; i < p->width; i++) {
            if (x[i] > maximum) argmax = (int32_t)i;
            second = x[i] > maximum ? maximum : x[i] > second ? x[i] : second;
            maximum = x[i] > maximum ? x[i] : maximum;
        }
        float sums[16] = {0}, products[16] = {0};
        for (int64_t i = 0; i < p->width; i++) {
            float below = x[i] == maximum ? 0 : x[i] - maximum;
            below = below < DX_LOWEST_LOGIT ? DX_LOWEST_LOGIT : below;
            float weight = exponential(below);
            sums[i % 16] = sums[i % 16] + weight;
            products[i % 16] = FMA(weight, below, products[i % 16]);
        }
        p->summaries[row] = dx_summary(argmax, maximum, second, total(sums), total(products));
    }
}

static void softmax(const void *arguments, int64_t from, int64_t to) {
    const dx_softmax *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *x = p->x + row * p->x_stride;
        float *y = p->y + row * p->y_stride, maximum = -INFINITY, sums[16] = {0};
        for (int64_t i = 0; i < p->width; i++) maximum = x[i] > maximum ? x[i] : maximum;
        for (int64_t i = 0; i < p->width; i++) {
            y[i] = exponential((x[i] - maximum) / p->temperature);
            sums[i % 16] = sums[i % 16] + y[i];
        }
        float sum = total(sums);
        for (int64_t i = 0; i < p->width; i++) y[i] = y[i] / sum;
    }
}

static void cosine(const void *arguments, int64_t from, int64_t to) {
    const dx_cosine *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *a = p->a + row * p->a_stride, *b = p->b + row * p->b_stride;
        float products[16] = {0}, squares_a[16] = {0}, squares_b[16] = {0};
        for (int64_t i = 0; i < p->width; i++) {
            products[i % 16] = FMA(a[i], b[i], products[i % 16]);
            squares_a[i % 16] = FMA(a[i], a[i], squares_a[i % 16]);
            squares_b[i % 16] = FMA(b[i], b[i], squares_b[i % 16]);
        }
        p->y[row] = dx_cosine_of(total(products), total(squares_a), total(squares_b));
    }
}
