// KV blocks: what is written into them and copied between them. The same in every table.
#include "kernels.h"

int64_t dx_kv_head_bytes(dx_format format, int64_t width) {
    int64_t elements = DX_BLOCK * (dx_key_width(format, width) + DX_VALUE_STRIDE(width));
    return elements * dx_element_bytes(format) + (format == DX_INT8 ? 2 * DX_BLOCK * (int64_t)sizeof(float) : 0);
}

// MARK: Writing

/// The largest magnitude; NaN where a number is not finite.
static float magnitude(const float *x, int64_t width) {
    float largest = 0, harm = 0;
    for (int64_t i = 0; i < width; i++) {
        float size = __builtin_fabsf(x[i]);
        largest = size > largest ? size : largest;
        harm += x[i] * 0;  // 0, or NaN
    }
    return largest + harm;
}

/// Positions that lie in one block: `count` rows of the batch from `row`, at `slot` and after.
static void write_f32(const dx_kv_write *p, dx_kv_head to, int64_t head, int64_t row, int64_t slot, int64_t count) {
    int64_t width = p->width, stride = DX_VALUE_STRIDE(width);
    const float *from = p->keys + row * p->key_stride + head * width;
    float *keys = (float *)to.keys, *values = (float *)to.values + slot * stride;
    for (int64_t d = 0; d < width; d++) {
        for (int64_t i = 0; i < count; i++) keys[d * DX_BLOCK + slot + i] = from[i * p->key_stride + d];
    }
    for (int64_t i = 0; i < count; i++) {
        memcpy(values + i * stride, p->values + (row + i) * p->value_stride + head * width, (size_t)width * sizeof(float));
    }
}

static void write_bf16(const dx_kv_write *p, dx_kv_head to, const float *key, const float *value, int64_t slot) {
    uint16_t *keys = (uint16_t *)to.keys, *values = (uint16_t *)to.values;
    bool finite = magnitude(key, p->width) <= 0x1.fep127f && magnitude(value, p->width) <= 0x1.fep127f;  // the largest bf16
    for (int64_t d = 0; d < p->width; d++) {
        keys[dx_key_place(DX_BF16, slot, d)] = finite ? dx_bf16_of_float(key[d]) : 0x7fc0;
        values[dx_value_place(DX_BF16, p->width, slot, d)] = finite ? dx_bf16_of_float(value[d]) : 0;
    }
}

static void write_int8(const dx_kv_write *p, dx_kv_head to, const float *key, const float *value, int64_t slot) {
    int8_t *keys = (int8_t *)to.keys, *values = (int8_t *)to.values;
    float key_scale = magnitude(key, p->width) / 127, value_scale = magnitude(value, p->width) / 127;
    ((float *)to.key_scales)[slot] = key_scale;
    ((float *)to.value_scales)[slot] = value_scale;
    for (int64_t d = 0; d < p->width; d++) {
        keys[dx_key_place(DX_INT8, slot, d)] = (int8_t)dx_quantized(key[d], key_scale, -127, 127);
        values[dx_value_place(DX_INT8, p->width, slot, d)] = (int8_t)dx_quantized(value[d], value_scale, -127, 127);
    }
}

/// Blocks are filled from their first position on. Sums of pairs take in positions that have not been written.
static void clear_head(dx_format format, int64_t width, dx_kv_head to) {
    memset((void *)to.keys, 0, (size_t)dx_kv_head_bytes(format, width));
}

void dx_kv_write_heads(const void *arguments, int64_t from, int64_t to) {
    const dx_kv_write *p = arguments;
    for (int64_t head = from; head < to; head++) {
        for (int64_t s = 0; s < p->count; s++) {
            const dx_sequence *sequence = p->sequences + s;
            for (int64_t i = 0; i < sequence->rows;) {
                int64_t position = sequence->position + i, slot = position % DX_BLOCK, row = sequence->row + i;
                int64_t count = dx_min(DX_BLOCK - slot, sequence->rows - i);
                dx_kv_head place = dx_kv_head_of(p->format, p->width, sequence->blocks[position / DX_BLOCK], head);
                if (slot == 0) clear_head(p->format, p->width, place);
                if (p->format == DX_F32) write_f32(p, place, head, row, slot, count);
                for (int64_t j = 0; p->format != DX_F32 && j < count; j++) {
                    const float *key = p->keys + (row + j) * p->key_stride + head * p->width;
                    const float *value = p->values + (row + j) * p->value_stride + head * p->width;
                    if (p->format == DX_BF16) write_bf16(p, place, key, value, slot + j);
                    else write_int8(p, place, key, value, slot + j);
                }
                i += count;
            }
        }
    }
}

// MARK: Copying

/// Bytes of one element from one place to another.
static void copy_element(dx_format format, void *to, int64_t to_place, const void *from, int64_t from_place) {
    switch (format) {
    case DX_F32: ((uint32_t *)to)[to_place] = ((const uint32_t *)from)[from_place]; break;
    case DX_BF16: ((uint16_t *)to)[to_place] = ((const uint16_t *)from)[from_place]; break;
    default: ((uint8_t *)to)[to_place] = ((const uint8_t *)from)[from_place]; break;
    }
}

void dx_kv_get(dx_format format, int64_t kv_heads, int64_t width, const void *block, int64_t slot, dx_kv_position to) {
    for (int64_t head = 0; head < kv_heads; head++) {
        dx_kv_head from = dx_kv_head_of(format, width, block, head);
        for (int64_t d = 0; d < width; d++) {
            copy_element(format, to.keys, head * width + d, from.keys, dx_key_place(format, slot, d));
            copy_element(format, to.values, head * width + d, from.values, dx_value_place(format, width, slot, d));
        }
        if (format == DX_INT8) {
            to.scales[2 * head] = from.key_scales[slot];
            to.scales[2 * head + 1] = from.value_scales[slot];
        }
    }
}

void dx_kv_put(dx_format format, int64_t kv_heads, int64_t width, void *block, int64_t slot, dx_kv_position from) {
    for (int64_t head = 0; head < kv_heads; head++) {
        dx_kv_head to = dx_kv_head_of(format, width, block, head);
        if (slot == 0) clear_head(format, width, to);
        for (int64_t d = 0; d < width; d++) {
            copy_element(format, (void *)to.keys, dx_key_place(format, slot, d), from.keys, head * width + d);
            copy_element(format, (void *)to.values, dx_value_place(format, width, slot, d), from.values, head * width + d);
        }
        if (format == DX_INT8) {
            ((float *)to.key_scales)[slot] = from.scales[2 * head];
            ((float *)to.value_scales)[slot] = from.scales[2 * head + 1];
        }
    }
}
