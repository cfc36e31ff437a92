// Packing of weights into blocks of 16 outputs, and its inverse: the same in every table.
#include "kernels.h"

#pragma clang fp contract(off)

/// Sixteen rows of the matrix, `count` of them real; the others are zero.
typedef struct {
    const float *rows;
    int64_t width, count;
} block_rows;

static inline ALWAYS float element(block_rows source, int64_t lane, int64_t k) {
    return lane < source.count && k < source.width ? source.rows[lane * source.width + k] : 0;
}

/// The element of largest magnitude among `start ..< end` of a row, the first of equals; NaN if one is not finite.
static float extreme(const float *row, int64_t start, int64_t end) {
    float found = 0;
    bool finite = true;
    for (int64_t k = start; k < end; k++) {
        finite &= fabsf(row[k]) < INFINITY;
        found = fabsf(row[k]) > fabsf(found) ? row[k] : found;
    }
    return finite ? found : NAN;
}

static float scale_of(block_rows source, int64_t lane, int64_t start, int64_t group, float divisor) {
    if (lane >= source.count) return 0;
    float found = extreme(source.rows + lane * source.width, start, dx_min(start + group, source.width));
    return (divisor < 0 ? found : fabsf(found)) / divisor;
}

static void pack_f32(const dx_pack *p, int64_t block, block_rows source) {
    float *out = (float *)p->weights + block * p->inputs * DX_LANES;
    for (int64_t k = 0; k < p->inputs; k++) {
        for (int64_t lane = 0; lane < DX_LANES; lane++) out[k * DX_LANES + lane] = element(source, lane, k);
    }
}

static void pack_f16(const dx_pack *p, int64_t block, block_rows source) {
    uint16_t *out = (uint16_t *)p->weights + block * p->inputs * DX_LANES;
    for (int64_t k = 0; k < p->inputs; k++) {
        for (int64_t lane = 0; lane < DX_LANES; lane++) {
            out[k * DX_LANES + lane] = dx_f16_of_float(element(source, lane, k));
        }
    }
}

static void pack_bf16(const dx_pack *p, int64_t block, block_rows source) {
    uint16_t *out = (uint16_t *)p->weights + block * p->inputs * DX_LANES;
    for (int64_t k = 0; k < p->inputs; k++) {
        for (int64_t lane = 0; lane < DX_LANES; lane++) {
            out[(k / 2 * DX_LANES + lane) * 2 + k % 2] = dx_bf16_of_float(element(source, lane, k));
        }
    }
}

static void pack_int8(const dx_pack *p, int64_t block, block_rows source) {
    uint8_t *out = (uint8_t *)p->weights + block * p->inputs * DX_LANES;
    int64_t groups = p->inputs / p->group;
    for (int64_t g = 0; g < groups; g++) {
        for (int64_t lane = 0; lane < DX_LANES; lane++) {
            float scale = scale_of(source, lane, g * p->group, p->group, 127);
            for (int64_t k = g * p->group; k < (g + 1) * p->group; k++) {
                int32_t value = dx_quantized(element(source, lane, k), scale, -127, 127);
                out[(k / 4 * DX_LANES + lane) * 4 + k % 4] = (uint8_t)(value + 128);
            }
            p->scales[(block * groups + g) * DX_LANES + lane] = scale;
        }
    }
}

static void pack_int4(const dx_pack *p, int64_t block, block_rows source) {
    uint8_t *out = (uint8_t *)p->weights + block * p->inputs * DX_LANES / 2;
    int64_t groups = p->inputs / p->group;
    for (int64_t g = 0; g < groups; g++) {
        for (int64_t lane = 0; lane < DX_LANES; lane++) {
            float scale = scale_of(source, lane, g * p->group, p->group, -8);
            for (int64_t k = g * p->group; k < (g + 1) * p->group; k += k % 8 == 3 ? 5 : 1) {
                int32_t low = dx_quantized(element(source, lane, k), scale, -8, 7) + 8;
                int32_t high = dx_quantized(element(source, lane, k + 4), scale, -8, 7) + 8;
                out[(k / 8 * DX_LANES + lane) * 4 + k % 4] = (uint8_t)(low | high << 4);
            }
            p->scales[(block * groups + g) * DX_LANES + lane] = scale;
        }
    }
}

void dx_pack_blocks(const void *arguments, int64_t from, int64_t to) {
    const dx_pack *p = arguments;
    for (int64_t unit = from; unit < to; unit++) {
        int64_t block = p->first_block + unit;
        block_rows source = {
            p->rows + unit * DX_LANES * p->width, p->width, dx_min(DX_LANES, p->outputs - block * DX_LANES)};
        switch (p->format) {
        case DX_F32: pack_f32(p, block, source); break;
        case DX_F16: pack_f16(p, block, source); break;
        case DX_BF16: pack_bf16(p, block, source); break;
        case DX_INT8: pack_int8(p, block, source); break;
        case DX_INT4: pack_int4(p, block, source); break;
        }
    }
}

void dx_unpack_rows(const void *arguments, int64_t from, int64_t to) {
    const dx_unpack *p = arguments;
    for (int64_t o = from; o < to; o++) {
        for (int64_t k = 0; k < p->width; k++) {
            float weight = dx_weight(p->weights, p->format, p->inputs, o, k);
            if (p->format == DX_INT8 || p->format == DX_INT4) {
                int64_t group = o / DX_LANES * (p->inputs / p->group) + k / p->group;
                weight *= p->scales[group * DX_LANES + o % DX_LANES];
            }
            p->y[o * p->width + k] = weight;
        }
    }
}
