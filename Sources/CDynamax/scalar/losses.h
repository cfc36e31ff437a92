// Losses and their gradients: the slow obvious form.

/// Of a row: its largest element, and the sum of exp(x - maximum).
typedef struct {
    float maximum, sum;
} partition;

static partition partition_of(const float *x, int64_t width) {
    float maximum = -INFINITY, sums[16] = {0};
    for (int64_t i = 0; i < width; i++) maximum = x[i] > maximum ? x[i] : maximum;
    for (int64_t i = 0; i < width; i++) sums[i % 16] = sums[i % 16] + exponential(x[i] - maximum);
    return (partition){maximum, total(sums)};
}

static void cross_entropy(const void *arguments, int64_t from, int64_t to) {
    const dx_cross_entropy *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *x = p->logits + row * p->stride;
        float *dx = p->dlogits ? p->dlogits + row * p->dlogits_stride : NULL;
        int32_t target = p->targets[row];
        if (target < 0) {
            p->losses[row] = 0;
            for (int64_t i = 0; dx && i < p->width; i++) dx[i] = 0;
            continue;
        }
        float weight = p->weights ? p->weights[row] : 1;
        partition all = partition_of(x, p->width);
        p->losses[row] = weight * ((all.maximum - x[target]) + dx_log(all.sum));
        if (!dx) continue;
        float factor = weight / all.sum;
        for (int64_t i = 0; i < p->width; i++) dx[i] = exponential(x[i] - all.maximum) * factor;
        dx[target] = dx[target] - weight;
    }
}

static void kl_divergence(const void *arguments, int64_t from, int64_t to) {
    const dx_kl_divergence *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *x = p->logits + row * p->stride, *teacher = p->teacher + row * p->teacher_stride;
        float *dx = p->dlogits ? p->dlogits + row * p->dlogits_stride : NULL;
        float weight = p->weights ? p->weights[row] : 1, sums[16] = {0};
        partition of_x = partition_of(x, p->width), of_teacher = partition_of(teacher, p->width);
        float shift = dx_log(of_x.sum) - dx_log(of_teacher.sum);
        for (int64_t i = 0; i < p->width; i++) {
            float below = x[i] - of_x.maximum, teacher_below = teacher[i] - of_teacher.maximum;
            float probability = exponential(teacher_below) / of_teacher.sum;
            float term = probability * ((teacher_below - below) + shift);
            sums[i % 16] = sums[i % 16] + (probability == 0 ? 0 : term);  // not 0 * infinity
            if (dx) dx[i] = weight * (exponential(below) / of_x.sum - probability);
        }
        p->losses[row] = weight * total(sums);
    }
}
