// Products with packed integer weights: exact within a group, then one fused multiply-add for each group.

static inline ALWAYS uint32_t four_bytes(const uint8_t *p) {
    uint32_t bytes;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    return bytes;
}

/// One group of 8-bit weights: acc += sum of (x + 128) * w, where acc starts from -128 * sum of w.
static inline ALWAYS void group_int8(
    int rows, int vectors, ints acc[TILE_ROWS][TILE_VECTORS], const uint8_t *const *x, const int8_t *w, int64_t stride,
    int64_t from, int64_t to) {
    for (int64_t k = from; k < to; k += 4) {
        bytes_8 weights[TILE_VECTORS];
        UNROLL for (int n = 0; n < vectors; n++) weights[n] = prepared_8(load_ints(w + k * DX_LANES + n * stride));
        UNROLL for (int m = 0; m < rows; m++) {
            inputs_8 inputs = broadcast_8(four_bytes(x[m] + k));
            UNROLL for (int n = 0; n < vectors; n++) acc[m][n] = dot_8(acc[m][n], inputs, weights[n]);
        }
    }
}

/// One group of 4-bit weights: acc += sum of x * (w + 8), where acc starts from -8 * sum of x.
static inline ALWAYS void group_int4(
    int rows, int vectors, ints acc[TILE_ROWS][TILE_VECTORS], const uint8_t *const *x, const uint8_t *w, int64_t stride,
    int64_t from, int64_t to) {
    for (int64_t k = from; k < to; k += 8) {
        ints low[TILE_VECTORS], high[TILE_VECTORS];
        UNROLL for (int n = 0; n < vectors; n++) {
            ints pairs = load_ints(w + k * (DX_LANES / 2) + n * stride);
            low[n] = pairs & 0x0f0f0f0f;
            high[n] = (ints)((uints)pairs >> 4) & 0x0f0f0f0f;
        }
        UNROLL for (int m = 0; m < rows; m++) {
            ints first = (ints)(uints)(four_bytes(x[m] + k)) ^ (ints)(int32_t)0x80808080;  // from x + 128 to x
            ints second = (ints)(uints)(four_bytes(x[m] + k + 4)) ^ (ints)(int32_t)0x80808080;
            UNROLL for (int n = 0; n < vectors; n++) acc[m][n] = dot_4(acc[m][n], low[n], first, high[n], second);
        }
    }
}

static inline ALWAYS void tile_of_integers(int rows, int vectors, dx_format format, const dx_product *p, const place *at) {
    int64_t groups = p->inputs / p->group, stride = p->inputs * DX_LANES / (format == DX_INT4 ? 2 : 1);
    const uint8_t *weights = (const uint8_t *)p->weights + at->block * stride;
    const uint8_t *x[TILE_ROWS];
    UNROLL for (int m = 0; m < rows; m++) x[m] = p->quantized + (at->row + m) * p->inputs;
    tile sums;
    tile_resume(rows, vectors, &sums, at);
    for (int64_t k = at->from, g = k / p->group; k < at->to; k += p->group, g++) {
        ints acc[TILE_ROWS][TILE_VECTORS];
        UNROLL for (int n = 0; n < vectors; n++) {
            ints start = 0;
            if (format == DX_INT8) start = -load_ints(p->sums + ((at->block + n) * groups + g) * DX_LANES);
            UNROLL for (int m = 0; m < rows; m++) {
                acc[m][n] = format == DX_INT8 ? start : (ints)(-p->x_sums[(at->row + m) * groups + g]);
            }
        }
        if (format == DX_INT8) group_int8(rows, vectors, acc, x, (const int8_t *)weights, stride, k, k + p->group);
        else group_int4(rows, vectors, acc, x, weights, stride, k, k + p->group);
        UNROLL for (int n = 0; n < vectors; n++) {
            floats scale = load(p->scales + ((at->block + n) * groups + g) * DX_LANES);
            UNROLL for (int m = 0; m < rows; m++) {
                floats both = scale * splat(p->x_scales[(at->row + m) * groups + g]);
                sums.at[m][n] = FMA(__builtin_convertvector(acc[m][n], floats), both, sums.at[m][n]);
            }
        }
    }
    if (at->to == p->inputs) tile_finish(rows, vectors, p, &sums, at);
    else tile_suspend(rows, vectors, &sums, at);
}
