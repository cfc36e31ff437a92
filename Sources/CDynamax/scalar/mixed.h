// Products in mixed precision: the slow obvious form.

static inline float flushed(float x) {
    return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0, x) : x;
}

/// fma(a, b, c), 0 where it would be subnormal if rounded with an exponent of any size. (a * b is exact in double.)
static inline float flushing_fma(float a, float b, float c) {
    double exact = (double)a * b + c;
    if (__builtin_fabs(exact) < 0x1p-126 * (1 - 0x1p-25)) return __builtin_copysignf(0, (float)exact);
    return FMA(a, b, c);
}

/// The sum so far plus one step of products; weights and x are bf16 numbers.
static float mixed_step(const float x[DX_MIXED_STEP], const float weights[DX_MIXED_STEP], float sum) {
    float chains[2] = {0, 0};
    for (int64_t i = 0; i < DX_MIXED_STEP; i++) chains[i % 2] = flushing_fma(flushed(x[i]), flushed(weights[i]), chains[i % 2]);
    return flushed(sum + flushed(chains[0] + chains[1]));
}

static void mixed_product(const void *arguments, int64_t from, int64_t to) {
    const dx_mixed_product *p = arguments;
    for (int64_t row = 0; row < p->rows; row++) {
        for (int64_t o = from * DX_LANES; o < dx_min(to * DX_LANES, p->outputs); o++) {
            float sum = 0;
            for (int64_t k = 0; k < p->inputs; k += DX_MIXED_STEP) {
                float x[DX_MIXED_STEP], weights[DX_MIXED_STEP];
                for (int64_t i = 0; i < DX_MIXED_STEP; i++) {
                    x[i] = dx_float_of_bf16(p->x[dx_mixed_place(p->inputs, row, k + i)]);
                    weights[i] = dx_weight(p->weights, DX_BF16, p->inputs, o, k + i);
                }
                sum = mixed_step(x, weights, sum);
            }
            if (p->bias) sum = sum + p->bias[o];
            if (p->residual) sum = sum + p->residual[row * p->residual_stride + o];
            p->y[row * p->y_stride + o] = sum;
        }
    }
}

/// An element rounded, 0 in the padding.
static inline uint16_t rounded(const dx_mixed_operand *p, int64_t row, int64_t column) {
    if (row >= p->rows || column >= p->columns) return 0;
    return dx_bf16_of_float(p->x[row * p->x_stride + column]);
}

static void mixed_rows(const void *arguments, int64_t from, int64_t to) {
    const dx_mixed_operand *p = arguments;
    for (int64_t row = from * DX_LANES; row < to * DX_LANES; row++) {
        for (int64_t k = 0; k < p->inputs; k++) p->y[dx_mixed_place(p->inputs, row, k)] = rounded(p, row, k);
    }
}

static void mixed_columns(const void *arguments, int64_t from, int64_t to) {
    const dx_mixed_operand *p = arguments;
    for (int64_t column = from * DX_LANES; column < to * DX_LANES; column++) {
        for (int64_t k = 0; k < p->inputs; k++) p->y[dx_mixed_place(p->inputs, column, k)] = rounded(p, k, column);
    }
}

static inline uint16_t *packed(const dx_mixed_operand *p, int64_t o, int64_t k) {
    return p->y + ((o / DX_LANES * (p->inputs / 2) + k / 2) * DX_LANES + o % DX_LANES) * 2 + k % 2;
}

static void mixed_packed_rows(const void *arguments, int64_t from, int64_t to) {
    const dx_mixed_operand *p = arguments;
    for (int64_t o = from * DX_LANES; o < to * DX_LANES; o++) {
        for (int64_t k = 0; k < p->inputs; k++) *packed(p, o, k) = rounded(p, o, k);
    }
}

static void mixed_packed_columns(const void *arguments, int64_t from, int64_t to) {
    const dx_mixed_operand *p = arguments;
    for (int64_t o = from * DX_LANES; o < to * DX_LANES; o++) {
        for (int64_t k = 0; k < p->inputs; k++) *packed(p, o, k) = rounded(p, k, o);
    }
}
