// Losses and their gradients.

static inline ALWAYS float largest_of(const float *x, int64_t width) {
    floats largest[4] = {splat(-INFINITY), splat(-INFINITY), splat(-INFINITY), splat(-INFINITY)};
    int64_t i = 0;
    for (; i + 64 <= width; i += 64) {
        UNROLL for (int n = 0; n < 4; n++) {
            floats value = load(x + i + n * 16);
            largest[n] = value > largest[n] ? value : largest[n];
        }
    }
    for (; i < width; i += 16) {
        floats value = load_scores(x + i, width - i);
        largest[0] = value > largest[0] ? value : largest[0];
    }
    for (int n = 1; n < 4; n++) largest[0] = largest[n] > largest[0] ? largest[n] : largest[0];
    return largest_lane(largest[0]);
}

/// exp(x - maximum), 0 past the width.
static inline ALWAYS floats weight_of(const float *x, int64_t count, float maximum) {
    floats weight = exponential(load_part(x, count) - splat(maximum));
    return count >= 16 ? weight : lanes_below(count) ? weight : splat(0);
}

/// The sum of exp(x - maximum), whose terms are written to `weights` unless that is NULL.
static inline ALWAYS float sum_of_weights(const float *x, int64_t width, float maximum, float *weights) {
    floats sums = splat(0);
    for (int64_t i = 0; i < width; i += 16) {
        floats weight = weight_of(x + i, width - i, maximum);
        sums = sums + weight;
        if (weights) store_part(weights + i, weight, width - i);
    }
    return total(sums);
}

static void cross_entropy(const void *arguments, int64_t from, int64_t to) {
    const dx_cross_entropy *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *x = p->logits + row * p->stride;
        float *dx = p->dlogits ? p->dlogits + row * p->dlogits_stride : NULL;
        int32_t target = p->targets[row];
        if (target < 0) {
            p->losses[row] = 0;
            for (int64_t i = 0; dx && i < p->width; i += 16) store_part(dx + i, splat(0), p->width - i);
            continue;
        }
        float weight = p->weights ? p->weights[row] : 1, maximum = largest_of(x, p->width), logit = x[target];
        float sum = sum_of_weights(x, p->width, maximum, dx);
        p->losses[row] = weight * ((maximum - logit) + dx_log(sum));
        if (!dx) continue;
        floats factor = splat(weight / sum);
        for (int64_t i = 0; i < p->width; i += 16) {
            store_part(dx + i, load_part(dx + i, p->width - i) * factor, p->width - i);
        }
        dx[target] = dx[target] - weight;
    }
}

static void kl_divergence(const void *arguments, int64_t from, int64_t to) {
    const dx_kl_divergence *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *x = p->logits + row * p->stride, *teacher = p->teacher + row * p->teacher_stride;
        float *dx = p->dlogits ? p->dlogits + row * p->dlogits_stride : NULL;
        float weight = p->weights ? p->weights[row] : 1;
        float maximum = largest_of(x, p->width), sum = sum_of_weights(x, p->width, maximum, NULL);
        float teacher_maximum = largest_of(teacher, p->width);
        float teacher_sum = sum_of_weights(teacher, p->width, teacher_maximum, NULL);
        floats shift = splat(dx_log(sum) - dx_log(teacher_sum)), sums = splat(0);
        for (int64_t i = 0; i < p->width; i += 16) {
            int64_t count = p->width - i;
            floats below = load_part(x + i, count) - splat(maximum);
            floats teacher_below = load_part(teacher + i, count) - splat(teacher_maximum);
            floats probability = weight_of(teacher + i, count, teacher_maximum) / splat(teacher_sum);
            floats term = probability * ((teacher_below - below) + shift);
            sums = sums + (probability == splat(0) ? splat(0) : term);  // not 0 * infinity
            if (dx) store_part(dx + i, splat(weight) * (exponential(below) / splat(sum) - probability), count);
        }
        p->losses[row] = weight * total(sums);
    }
}
