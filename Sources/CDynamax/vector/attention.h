// Attention over KV blocks. The file that includes this has defined, besides attention_state.h and attention_f32.h, what it needs for
// blocks of bf16: store_bf16, score_mixed and add_values_mixed.

#include "attention_softmax.h"

static inline ALWAYS void attend_f32(queries *q, block *b, span any, float factor) {
    score_f32(q, b, any);
    weigh(DX_F32, q, b, factor);
    add_values_f32(q, b);
}

/// Widens numbers to bf16, which holds them all.
static inline ALWAYS void widen(block *b, int64_t count, uint16_t *to) {
    for (int64_t i = 0; i < count; i += 4 * DX_LANES) {
        if (i % STEP_BYTES == 0) ask_for(part_of_next(b, 1), 0);
        UNROLL for (int n = 0; n < 4 * DX_LANES; n += 2 * DX_LANES) {
            short_pairs pairs;
            __builtin_memcpy(&pairs, b->start + i + n, sizeof pairs);
            ints both = __builtin_convertvector(pairs, ints);
            uints first = (uints)__builtin_convertvector((ints)((uints)both << 24) >> 24, floats);
            uints second = (uints)__builtin_convertvector(both >> 8, floats);
            uints wide = first >> 16 | second;  // the low halves are zeros
            __builtin_memcpy(to + i + n, &wide, sizeof wide);
        }
    }
}

static inline ALWAYS void attend_mixed(dx_format format, queries *q, const uint16_t *x, block *b, span any, uint16_t *wide) {
    int64_t key_width = dx_key_width(format, b->width), stride = DX_VALUE_STRIDE(b->width);
    pair_block pairs = {b->at.keys, b->at.values, key_width, stride, b};
    if (format == DX_INT8) {
        widen(b, DX_BLOCK * (key_width + stride), wide);
        pairs = (pair_block){wide, wide + DX_BLOCK * key_width, key_width, stride, b};
    }
    score_mixed(q, x, &pairs, any);
    weigh(format, q, b, 1);
    add_values_mixed(q, &pairs);
}

/// Queries times `factor`, rounded to bf16, in the layout of mixed products.
static inline ALWAYS void round_queries(const queries *q, int64_t width, int64_t key_width, float factor, uint16_t *x) {
    memset(x, 0, (size_t)(QUERIES * key_width) * sizeof *x);
    for (int i = 0; i < q->count; i++) {
        for (int64_t d = 0; d < width; d += DX_LANES) {
            store_bf16(x + dx_mixed_place(key_width, i, d), load_part(q->x[i] + d, width - d) * splat(factor));
        }
    }
}

static inline ALWAYS void attend(dx_format format, const dx_attention *p, const dx_sequence *sequence, int64_t kv_head, queries *q) {
    int64_t begin = q->begin[0], end = q->end[0], head_bytes = dx_kv_head_bytes(format, p->width);
    int64_t key_width = dx_key_width(format, p->width), stride = DX_VALUE_STRIDE(p->width);
    uint16_t x[format == DX_F32 ? 1 : QUERIES * key_width] __attribute__((aligned(64)));
    uint16_t wide[format == DX_INT8 ? DX_BLOCK * (key_width + stride) : 1] __attribute__((aligned(64)));
    float y[QUERIES * stride] __attribute__((aligned(64)));
    float factor = p->scale * DX_LOG2_E;
    if (format != DX_F32) round_queries(q, p->width, key_width, factor, x);
    for (int i = 0; i < q->count; i++) {
        begin = dx_min(begin, q->begin[i]);
        end = dx_max(end, q->end[i]);
        q->maximum[i] = -INFINITY;
        q->sums[i] = splat(0);
    }
    q->y = y;
    memset(y, 0, (size_t)(q->count * stride) * sizeof *y);
    for (int64_t number = begin / DX_BLOCK; number * DX_BLOCK < end; number++) {
        int64_t start = number * DX_BLOCK, next = start + DX_BLOCK < end ? number + 1 : number;
        block b = {
            dx_kv_head_of(format, p->width, sequence->blocks[number], kv_head), p->width,
            (const uint8_t *)sequence->blocks[number] + kv_head * head_bytes,
            (const uint8_t *)sequence->blocks[next] + kv_head * head_bytes, head_bytes, 0};
        span any = {DX_BLOCK, 0};
        for (int i = 0; i < q->count; i++) {
            q->seen[i] = (span){dx_max(q->begin[i] - start, 0), dx_min(q->end[i] - start, DX_BLOCK)};
            any = (span){dx_min(any.first, q->seen[i].first), dx_max(any.last, q->seen[i].last)};
        }
        if (format == DX_F32) attend_f32(q, &b, any, factor);
        else attend_mixed(format, q, x, &b, any, wide);
    }
    for (int i = 0; i < q->count; i++) {
        floats sum = splat(total(q->sums[i]));
        for (int64_t d = 0; d < p->width; d += DX_LANES) {
            store_part(q->result[i] + d, load(y + i * stride + d) / sum, p->width - d);
        }
    }
}

static NEVER void attend_to_f32(const dx_attention *p, const dx_sequence *sequence, int64_t kv_head, queries *q) {
    attend(DX_F32, p, sequence, kv_head, q);
}

static NEVER void attend_to_bf16(const dx_attention *p, const dx_sequence *sequence, int64_t kv_head, queries *q) {
    attend(DX_BF16, p, sequence, kv_head, q);
}

static NEVER void attend_to_int8(const dx_attention *p, const dx_sequence *sequence, int64_t kv_head, queries *q) {
    attend(DX_INT8, p, sequence, kv_head, q);
}

static void attention(const void *arguments, int64_t from, int64_t to) {
    const dx_attention *p = arguments;
    int64_t group = p->heads / p->kv_heads;
    queries q;
    for (int64_t unit = from; unit < to; unit++) {
        int64_t kv_head = unit / p->tiles, tile = unit % p->tiles;
        const dx_sequence *sequence = dx_sequence_of_tile(p->sequences, p->count, tile);
        int64_t first = (tile - sequence->tile) * DX_ROW_TILE, rows = dx_min(DX_ROW_TILE, sequence->rows - first);
        for (int64_t done = 0; done < rows * group; done += q.count) {
            q.count = (int)dx_min(rows * group - done, QUERIES);
            for (int i = 0; i < q.count; i++) {
                int64_t index = first + (done + i) / group, column = (kv_head * group + (done + i) % group) * p->width;
                int64_t row = sequence->row + index, end = sequence->position + index + 1;
                q.x[i] = p->queries + row * p->query_stride + column;
                q.result[i] = p->y + row * p->y_stride + column;
                q.begin[i] = p->window > 0 ? dx_max(end - p->window, 0) : 0;
                q.end[i] = end;
            }
            if (p->format == DX_F32) attend_to_f32(p, sequence, kv_head, &q);
            else if (p->format == DX_BF16) attend_to_bf16(p, sequence, kv_head, &q);
            else attend_to_int8(p, sequence, kv_head, &q);
        }
    }
}
