// Quantization of rows to 8 bits.

/// The largest magnitude of a group, of which `count` elements are real; NaN if one of them is not finite.
static inline ALWAYS float largest_magnitude(const float *x, int64_t count) {
    floats largest = splat(0);
    ints infinite = 0;
    for (int64_t i = 0; i < count; i += 16) {
        floats magnitude = __builtin_elementwise_abs(load_part(x + i, count - i));
        infinite |= ~(magnitude < splat(INFINITY));
        largest = magnitude > largest ? magnitude : largest;
    }
    return __builtin_reduce_or(infinite) ? NAN : largest_lane(largest);
}

/// Writes x * factor for a group, `tile` values together and the next as many rows away, and returns their sum.
static inline ALWAYS int32_t quantize_group(
    const float *x, int64_t count, int64_t group, float factor, int8_t *values, int64_t tile) {
    if (factor == 0) count = 0;
    ints sums = 0;
    for (int64_t i = 0; i < group; i += 16) {
        floats ratio = i < count ? load_part(x + i, count - i) * splat(factor) : splat(0);
        floats magic = splat(0x1.8p23f);  // leaves no room for a fraction
        ints value = __builtin_convertvector((ratio + magic) - magic, ints);
        bytes narrow = __builtin_convertvector(value, bytes);
        __builtin_memcpy(values + i / tile * tile * DX_LANES + i % tile, &narrow, group - i >= 16 ? 16 : 8);
        sums += value;
    }
    return __builtin_reduce_add(sums);
}

static void quantize(const void *arguments, int64_t from, int64_t to) {
    const dx_quantize *p = arguments;
    int64_t groups = p->inputs / p->group, tile = p->tiled ? dx_tile_inputs(p->group) : p->group;
    for (int64_t row = from; row < to; row++) {
        for (int64_t g = 0; g < groups; g++) {
            const float *x = p->x + row * p->x_stride + g * p->group;
            int64_t count = dx_min(p->group, p->width - g * p->group), index = dx_group_place(p->tiled, p->rows, groups, row, g);
            float largest = largest_magnitude(x, count);
            int8_t *values = p->quantized + dx_quantized_place(p->tiled, p->rows, p->inputs, p->group, row, g * p->group);
            p->scales[index] = dx_scale_of_largest(largest);
            p->sums[index] = quantize_group(x, count, p->group, dx_factor_of_largest(largest), values, tile);
        }
    }
}
