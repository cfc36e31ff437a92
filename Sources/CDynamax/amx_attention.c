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

#include "vector/attention_state.h"
#include "vector/attention_f32.h"

/// Subnormal numbers are zeros.
static inline ALWAYS void store_bf16(uint16_t *to, floats x) {
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh((__m512)x));
}

/// Asks for the 16 lines of what will be loaded into a tile.
static inline ALWAYS void ask_for_tile(const uint8_t *start, int64_t apart) {
    if (!start) return;
    UNROLL for (int i = 0; i < 16; i++) ask_for(start + i * apart);
}

// Tiles 0 and 1 hold the sums of the upper queries, 2 and 3 those of the lower ones; 4 and 5 queries or weights; 6 and 7 keys or
// values.

/// Sums of products over `steps`, of up to 32 rows of x and one or two vectors of outputs.
static inline ALWAYS void tile_sums(
    bool lower, bool second, const uint16_t *x, int64_t x_bytes, int64_t x_step, int64_t x_lower, const uint16_t *weights,
    const uint8_t *next, int64_t stride, int64_t steps) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t step = 0; step < steps; step++) {
        int64_t place = step * DX_MIXED_STEP * stride;
        _tile_loadd(4, x + step * x_step, x_bytes);
        _tile_loadd(6, weights + place, stride * 4);
        _tile_dpbf16ps(0, 4, 6);
        ask_for_tile(next ? next + place * 2 : NULL, stride * 4);
        if (second) {
            _tile_loadd(7, weights + place + 2 * DX_LANES, stride * 4);
            _tile_dpbf16ps(1, 4, 7);
            ask_for_tile(next ? next + place * 2 + 64 : NULL, stride * 4);
        }
        if (lower) {
            _tile_loadd(5, x + x_lower + step * x_step, x_bytes);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (lower && second) _tile_dpbf16ps(3, 5, 7);
    }
}

static inline ALWAYS void tile_scores(bool lower, bool second, queries *q, const uint16_t *x, const pair_block *b, int64_t column) {
    tile_sums(
        lower, second, x, 64, DX_LANES * DX_MIXED_STEP, DX_LANES * b->key_width, b->keys + column * 2,
        b->next_keys ? b->next_keys + column * 4 : NULL, DX_BLOCK, b->key_width / DX_MIXED_STEP);
    _tile_stored(0, q->scores[0] + column, sizeof q->scores[0]);
    if (second) _tile_stored(1, q->scores[0] + column + DX_LANES, sizeof q->scores[0]);
    if (lower) _tile_stored(2, q->scores[DX_LANES] + column, sizeof q->scores[0]);
    if (lower && second) _tile_stored(3, q->scores[DX_LANES] + column + DX_LANES, sizeof q->scores[0]);
}

static NEVER void score_mixed(queries *q, const uint16_t *x, const pair_block *b, span any) {
    bool lower = q->count > DX_LANES;
    for (int64_t column = any.first / DX_LANES * DX_LANES; column < any.last; column += 2 * DX_LANES) {
        bool second = column + DX_LANES < any.last;
        if (lower && second) tile_scores(true, true, q, x, b, column);
        else if (lower) tile_scores(true, false, q, x, b, column);
        else if (second) tile_scores(false, true, q, x, b, column);
        else tile_scores(false, false, q, x, b, column);
    }
}

static inline ALWAYS void tile_values(bool lower, bool second, queries *q, const pair_block *b, int64_t column, float *sums) {
    int64_t bytes = b->stride * 4;
    tile_sums(
        lower, second, q->weights[0], sizeof q->weights[0], DX_MIXED_STEP, DX_LANES * DX_BLOCK, b->values + column * 2,
        b->next_values ? b->next_values + column * 4 : NULL, b->stride, DX_BLOCK / DX_MIXED_STEP);
    sums += column;
    _tile_stored(0, sums, bytes);
    if (second) _tile_stored(1, sums + DX_LANES, bytes);
    if (lower) _tile_stored(2, sums + DX_LANES * b->stride, bytes);
    if (lower && second) _tile_stored(3, sums + DX_LANES * b->stride + DX_LANES, bytes);
}

static NEVER void add_values_mixed(queries *q, const pair_block *b) {
    float sums[QUERIES * b->stride] __attribute__((aligned(64)));
    bool lower = q->count > DX_LANES;
    for (int64_t column = 0; column < b->stride; column += 2 * DX_LANES) {
        bool second = column + DX_LANES < b->stride;
        if (lower && second) tile_values(true, true, q, b, column, sums);
        else if (lower) tile_values(true, false, q, b, column, sums);
        else if (second) tile_values(false, true, q, b, column, sums);
        else tile_values(false, false, q, b, column, sums);
    }
    keep_sums(q, 0, q->count, 0, b->stride, sums, b->stride);
}

#include "vector/attention.h"

/// The shapes of the tiles, as the processor reads them.
typedef struct {
    uint8_t palette, start, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_shapes;

void dx_attention_amx(const void *arguments, int64_t from, int64_t to) {
    tile_shapes shapes = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shapes.row_bytes[i] = 64;
        shapes.rows[i] = 16;
    }
    _tile_loadconfig(&shapes);
    attention(arguments, from, to);
    _tile_release();
}

#pragma clang attribute pop
#endif
