// Attention with the matrix instructions of x86 (AMX), for blocks of bf16 and of int8.
#include "kernels.h"

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

#pragma clang fp contract(off)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,f16c,avx512bf16,amx-tile,amx-bf16"))), apply_to = function)

#include "vector/types.h"

#include "vector/avx512.h"

#include "functions.h"
#include "vector/lanes.h"
#include "vector/rows_of_tile.h"
#include "vector/amx_tiles.h"

#include "vector/attention_state.h"
#include "vector/attention_f32.h"

/// Subnormal numbers are zeros.
static inline ALWAYS void store_bf16(uint16_t *to, floats x) {
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh((__m512)x));
}

/// A product of a matrix x of bf16, in tiles of 16 rows and one step of inputs, and pairs of outputs.
typedef struct {
    const uint16_t *x;
    int64_t x_bytes, x_step, x_lower;  // bytes from row to row, numbers from step to step and to the lower 16 rows
    const uint16_t *pairs;
    int64_t stride, steps;  // pairs from row to row; steps of inputs
    block *from;
    int64_t pace;  // steps to ask for with each tile
    float *y;
    int64_t y_stride;
} tile_product;

static inline ALWAYS int64_t pace_of(const queries *q, const block *b) {
    int64_t tiles = dx_max(b->bytes / 1024, 1), left = steps_of(b) - q->count * SOFTMAX_STEPS;
    return dx_max((left + tiles - 1) / tiles, 1);
}

static inline ALWAYS const uint16_t *pair_tile(const tile_product *p, int64_t step, int64_t column) {
    return p->pairs + step * DX_MIXED_STEP * p->stride + 2 * column;
}

/// Asks for a tile's share of the next block: what the softmax leaves of it.
static inline ALWAYS void ask_for_tile(const tile_product *p) {
    for (int64_t step = 0; step < p->pace; step++) ask_for(part_of_next(p->from, 1), 0);
}

/// 32 rows and one or two vectors of outputs. Tiles 0 and 1 hold the sums of the upper rows, 2 and 3 those of the lower ones.
static inline ALWAYS void multiply_square(bool second, const tile_product *p, int64_t column) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t step = 0; step < p->steps; step++) {
        _tile_loadd(4, p->x + step * p->x_step, p->x_bytes);
        _tile_loadd(5, p->x + p->x_lower + step * p->x_step, p->x_bytes);
        _tile_loadd(6, pair_tile(p, step, column), p->stride * 4);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(2, 5, 6);
        if (second) {
            _tile_loadd(7, pair_tile(p, step, column + DX_LANES), p->stride * 4);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    float *upper = p->y + column, *lower = upper + DX_LANES * p->y_stride;
    _tile_stored(0, upper, p->y_stride * 4);
    _tile_stored(2, lower, p->y_stride * 4);
    if (second) {
        _tile_stored(1, upper + DX_LANES, p->y_stride * 4);
        _tile_stored(3, lower + DX_LANES, p->y_stride * 4);
    }
}

/// 16 rows and up to four vectors of outputs: few queries read the block from memory, and do so from first to last.
static inline ALWAYS void multiply_band(int vectors, const tile_product *p, int64_t column) {
#define FOR_VECTORS(action)      \
    action(0) if (vectors > 1) { \
        action(1)                \
    }                            \
    if (vectors > 2) {           \
        action(2)                \
    }                            \
    if (vectors > 3) {           \
        action(3)                \
    }
#define CLEAR(n) _tile_zero(n);
#define ADD(n)                                                                       \
    {                                                                                \
        _tile_loadd(6, pair_tile(p, step, column + (n) * DX_LANES), p->stride * 4); \
        ask_for_tile(p);                                                             \
        _tile_dpbf16ps(n, 4, 6);                                                     \
    }
#define STORE(n) _tile_stored(n, p->y + column + (n) * DX_LANES, p->y_stride * 4);
    FOR_VECTORS(CLEAR)
    for (int64_t step = 0; step < p->steps; step++) {
        _tile_loadd(4, p->x + step * p->x_step, p->x_bytes);
        FOR_VECTORS(ADD)
    }
    FOR_VECTORS(STORE)
#undef FOR_VECTORS
#undef CLEAR
#undef ADD
#undef STORE
}

/// Outputs from `column` up to `end`, of which whole vectors are computed.
static inline ALWAYS void multiply_tiles(int rows, const tile_product *p, int64_t column, int64_t end) {
    if (rows > DX_LANES) {
        for (; column + DX_LANES < end; column += 2 * DX_LANES) multiply_square(true, p, column);
        if (column < end) multiply_square(false, p, column);
        return;
    }
    for (; column + 3 * DX_LANES < end; column += 4 * DX_LANES) multiply_band(4, p, column);
    if (column + DX_LANES < end) {
        multiply_band(2, p, column);
        column += 2 * DX_LANES;
    }
    if (column < end) multiply_band(1, p, column);
}

static NEVER void score_mixed(queries *q, const uint16_t *x, const pair_block *b, span any) {
    tile_product p = {
        .x = x, .x_bytes = 2 * DX_MIXED_STEP, .x_step = DX_LANES * DX_MIXED_STEP, .x_lower = DX_LANES * b->key_width,
        .pairs = b->keys, .stride = DX_BLOCK, .steps = b->key_width / DX_MIXED_STEP, .from = b->from, .pace = pace_of(q, b->from),
        .y = q->scores[0], .y_stride = DX_BLOCK};
    multiply_tiles(q->count, &p, any.first / DX_LANES * DX_LANES, any.last);
}

static NEVER void add_values_mixed(queries *q, const pair_block *b) {
    float sums[QUERIES * b->stride] __attribute__((aligned(64)));
    tile_product p = {
        .x = q->weights[0], .x_bytes = 2 * DX_BLOCK, .x_step = DX_MIXED_STEP, .x_lower = DX_LANES * DX_BLOCK,
        .pairs = b->values, .stride = b->stride, .steps = DX_BLOCK / DX_MIXED_STEP, .from = b->from, .pace = pace_of(q, b->from),
        .y = sums, .y_stride = b->stride};
    multiply_tiles(q->count, &p, 0, b->stride);
    keep_sums(q, 0, q->count, 0, b->stride, sums, b->stride);
}

#include "vector/attention.h"

void dx_attention_amx(const void *arguments, int64_t from, int64_t to) {
    shape_tiles(CORNER_ROWS, 64);
    attention(arguments, from, to);
    _tile_release();
}

#pragma clang attribute pop
#endif
