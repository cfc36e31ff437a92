// Keys and values into their blocks: the same in every table.
#include "kernels.h"

/// Positions that lie in one block: `count` rows of the batch from `row`, at `slot` and after.
static void write_run(
    const dx_kv_write *p, float *keys, int64_t head, int64_t row, int64_t slot, int64_t count) {
    int64_t width = p->width, stride = DX_VALUE_STRIDE(width);
    const float *from = p->keys + row * p->key_stride + head * width;
    for (int64_t d = 0; d < width; d++) {
        for (int64_t i = 0; i < count; i++) keys[d * DX_BLOCK + slot + i] = from[i * p->key_stride + d];
    }
    float *values = keys + width * DX_BLOCK + slot * stride;
    for (int64_t i = 0; i < count; i++) {
        memcpy(values + i * stride, p->values + (row + i) * p->value_stride + head * width, (size_t)width * sizeof(float));
        memset(values + i * stride + width, 0, (size_t)(stride - width) * sizeof(float));
    }
}

void dx_kv_write_heads(const void *arguments, int64_t from, int64_t to) {
    const dx_kv_write *p = arguments;
    int64_t head_floats = DX_BLOCK_FLOATS(1, p->width);
    for (int64_t head = from; head < to; head++) {
        for (int64_t s = 0; s < p->count; s++) {
            const dx_sequence *sequence = p->sequences + s;
            for (int64_t i = 0; i < sequence->rows;) {
                int64_t position = sequence->position + i, slot = position % DX_BLOCK;
                int64_t count = dx_min(DX_BLOCK - slot, sequence->rows - i);
                float *keys = sequence->blocks[position / DX_BLOCK] + head * head_floats;
                write_run(p, keys, head, sequence->row + i, slot, count);
                i += count;
            }
        }
    }
}
