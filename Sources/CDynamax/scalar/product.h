// Products with packed weights and quantization of rows: the slow obvious form.

static inline float finished(const dx_product *p, int64_t row, int64_t o, float sum) {
    if (p->bias) sum = sum + p->bias[o];
    if (p->residual) sum = sum + p->residual[row * p->residual_stride + o];
    return sum;
}

static void product_of_floats(const dx_product *p, dx_format format, int64_t from, int64_t to) {
    for (int64_t row = 0; row < p->rows; row++) {
        for (int64_t o = from * DX_LANES; o < dx_min(to * DX_LANES, p->outputs); o++) {
            float sum = 0;
            for (int64_t k = 0; k < p->x_width; k++) {
                sum = FMA(p->x[row * p->x_stride + k], dx_weight(p->weights, format, p->inputs, o, k), sum);
            }
            p->y[row * p->y_stride + o] = finished(p, row, o, sum);
        }
    }
}

static void product_of_integers(const dx_product *p, dx_format format, int64_t from, int64_t to) {
    int64_t groups = p->inputs / p->group;
    for (int64_t row = 0; row < p->rows; row++) {
        for (int64_t o = from * DX_LANES; o < dx_min(to * DX_LANES, p->outputs); o++) {
            float sum = 0;
            for (int64_t g = 0; g < groups; g++) {
                int32_t exact = 0;
                for (int64_t k = g * p->group; k < (g + 1) * p->group; k++) {
                    int32_t weight = (int32_t)dx_weight(p->weights, format, p->inputs, o, k);
                    exact += p->quantized[dx_quantized_place(p->tiled, p->rows, p->inputs, p->group, row, k)] * weight;
                }
                float weight_scale = p->scales[(o / DX_LANES * groups + g) * DX_LANES + o % DX_LANES];
                sum = FMA((float)exact, weight_scale * p->x_scales[dx_group_place(p->tiled, p->rows, groups, row, g)], sum);
            }
            p->y[row * p->y_stride + o] = finished(p, row, o, sum);
        }
    }
}

static void product_f32(const void *p, int64_t from, int64_t to) {
    product_of_floats(p, DX_F32, from, to);
}

static void product_f16(const void *p, int64_t from, int64_t to) {
    product_of_floats(p, DX_F16, from, to);
}

static void product_bf16(const void *p, int64_t from, int64_t to) {
    product_of_floats(p, DX_BF16, from, to);
}

static void product_int8(const void *p, int64_t from, int64_t to) {
    product_of_integers(p, DX_INT8, from, to);
}

static void product_int4(const void *p, int64_t from, int64_t to) {
    product_of_integers(p, DX_INT4, from, to);
}

static void quantize(const void *arguments, int64_t from, int64_t to) {
    const dx_quantize *p = arguments;
    int64_t groups = p->inputs / p->group;
    for (int64_t row = from; row < to; row++) {
        const float *x = p->x + row * p->x_stride;
        for (int64_t g = 0; g < groups; g++) {
            int64_t start = g * p->group, end = dx_min(start + p->group, p->width);
            float largest = 0;
            bool finite = true;
            for (int64_t k = start; k < end; k++) {
                float magnitude = __builtin_fabsf(x[k]);
                finite = finite && magnitude < INFINITY;
                largest = magnitude > largest ? magnitude : largest;
            }
            if (!finite) largest = NAN;
            float factor = dx_factor_of_largest(largest);
            int32_t sum = 0;
            for (int64_t k = start; k < start + p->group; k++) {
                int32_t value = k < end && factor != 0 ? dx_rounded(x[k] * factor) : 0;
                p->quantized[dx_quantized_place(p->tiled, p->rows, p->inputs, p->group, row, k)] = (int8_t)value;
                sum += value;
            }
            int64_t index = dx_group_place(p->tiled, p->rows, groups, row, g);
            p->scales[index] = dx_scale_of_largest(largest);
            p->sums[index] = sum;
        }
    }
}
