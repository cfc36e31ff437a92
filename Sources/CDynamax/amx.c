// Mixed products with the matrix instructions of x86 (AMX): one multiplies 16 rows of 32 bf16 numbers by 16 outputs.
#include "kernels.h"

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#pragma clang fp contract(off)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,f16c,amx-tile,amx-bf16"))), apply_to = function)

#include "vector/types.h"

#include "vector/avx512.h"
#include "vector/lanes.h"
#include "vector/transpose.h"
#include "vector/amx_tiles.h"

#include "vector/mixed_operands.h"
#include "vector/mixed_finish.h"

/// A corner of the result.
typedef struct {
    const dx_mixed_product *p;
    int64_t row, block;
    float *y;  // where its sums go
    int64_t y_stride;
} corner;

/// Asks for the lines of y that the corner below will write, two rows a step: writing them must not wait for memory.
static inline ALWAYS void fetch_below(const corner *c, int64_t k) {
    const float *y = c->y + (CORNER_ROWS + k / 16 % CORNER_ROWS) * c->y_stride;
    UNROLL for (int i = 0; i < 2; i++) {
        __builtin_prefetch(y + i * c->y_stride, 1, 3);
        __builtin_prefetch(y + i * c->y_stride + DX_LANES, 1, 3);
    }
}

static inline ALWAYS void sum_corner(bool lower, bool second, const corner *c) {
    const dx_mixed_product *p = c->p;
    int64_t apart = p->inputs * DX_LANES;
    const uint16_t *x = p->x + c->row * p->inputs, *weights = p->weights + c->block * apart;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < p->inputs; k += DX_MIXED_STEP) {
        _tile_loadd(4, x + k * DX_LANES, 64);
        _tile_loadd(6, weights + k * DX_LANES, 64);
        _tile_dpbf16ps(0, 4, 6);
        if (second) {
            _tile_loadd(7, weights + apart + k * DX_LANES, 64);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (lower) {
            _tile_loadd(5, x + apart + k * DX_LANES, 64);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (lower && second) _tile_dpbf16ps(3, 5, 7);
        fetch_below(c, k);
    }
    int64_t y_bytes = c->y_stride * 4;
    float *below = c->y + DX_LANES * c->y_stride;
    _tile_stored(0, c->y, y_bytes);
    if (second) _tile_stored(1, c->y + DX_LANES, y_bytes);
    if (lower) _tile_stored(2, below, y_bytes);
    if (lower && second) _tile_stored(3, below + DX_LANES, y_bytes);
}

static void sum_part(bool lower, bool second, const corner *c) {
    if (lower && second) sum_corner(true, true, c);
    else if (lower) sum_corner(true, false, c);
    else if (second) sum_corner(false, true, c);
    else sum_corner(false, false, c);
}

/// A corner that reaches over the edge of y goes by way of a buffer.
static void sum_edge(bool lower, bool second, corner c) {
    _Alignas(64) float buffer[CORNER_ROWS * CORNER_BLOCKS * DX_LANES];
    float *y = c.y;
    c.y = buffer;
    c.y_stride = CORNER_BLOCKS * DX_LANES;
    sum_part(lower, second, &c);
    for (int64_t row = 0; row < dx_min(CORNER_ROWS, c.p->rows - c.row); row++) {
        for (int64_t v = 0; v < CORNER_BLOCKS; v++) {
            int64_t count = c.p->outputs - (c.block + v) * DX_LANES, at = v * DX_LANES;
            if (v == 0 || (second && count > 0)) {
                store_part(y + row * c.p->y_stride + at, load(buffer + row * c.y_stride + at), count);
            }
        }
    }
}

enum { FEW_BLOCKS = 4 };  // streams of weights that a processor fetches side by side

/// Up to 16 rows with some blocks: tiles 0 to 3 hold their sums, 4 rows of x, 6 and 7 weights in turn.
static inline ALWAYS void sum_few(int blocks, const dx_mixed_product *p, int64_t block) {
    _Alignas(64) float buffer[FEW_BLOCKS * DX_LANES * DX_LANES];
    int64_t apart = p->inputs * DX_LANES;
    const uint16_t *weights = p->weights + block * apart;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < apart; k += DX_MIXED_STEP * DX_LANES) {
        UNROLL for (int i = 0; i < 16 * blocks; i++) {  // those that come four steps later
            __builtin_prefetch(weights + i / 16 * apart + k + 4 * DX_MIXED_STEP * DX_LANES + i % 16 * DX_MIXED_STEP);
        }
        _tile_loadd(4, p->x + k, 64);
        _tile_loadd(6, weights + k, 64);
        _tile_dpbf16ps(0, 4, 6);
        if (blocks > 1) _tile_loadd(7, weights + apart + k, 64);
        if (blocks > 1) _tile_dpbf16ps(1, 4, 7);
        if (blocks > 2) _tile_loadd(6, weights + 2 * apart + k, 64);
        if (blocks > 2) _tile_dpbf16ps(2, 4, 6);
        if (blocks > 3) _tile_loadd(7, weights + 3 * apart + k, 64);
        if (blocks > 3) _tile_dpbf16ps(3, 4, 7);
    }
    _tile_stored(0, buffer, FEW_BLOCKS * 64);
    if (blocks > 1) _tile_stored(1, buffer + DX_LANES, FEW_BLOCKS * 64);
    if (blocks > 2) _tile_stored(2, buffer + 2 * DX_LANES, FEW_BLOCKS * 64);
    if (blocks > 3) _tile_stored(3, buffer + 3 * DX_LANES, FEW_BLOCKS * 64);
    for (int64_t row = 0; row < p->rows; row++) {
        for (int64_t n = 0; n < blocks; n++) {
            int64_t o = (block + n) * DX_LANES;
            store_part(p->y + row * p->y_stride + o, load(buffer + (row * FEW_BLOCKS + n) * DX_LANES), p->outputs - o);
        }
    }
}

/// Few rows stream the weights once.
static void stream_few(const dx_mixed_product *p, int64_t from, int64_t to) {
    shape_tiles_for_few(p->rows);
    int64_t block = from;
    for (; block + FEW_BLOCKS <= to; block += FEW_BLOCKS) sum_few(FEW_BLOCKS, p, block);
    for (; block < to; block++) sum_few(1, p, block);
}

static void sum_many(const dx_mixed_product *p, int64_t from, int64_t to) {
    shape_tiles(CORNER_ROWS, 64);
    for (int64_t block = from; block < to; block += CORNER_BLOCKS) {
        bool second = block + 1 < to;
        int64_t outputs = (second ? 2 : 1) * DX_LANES;
        for (int64_t row = 0; row < p->rows; row += CORNER_ROWS) {
            corner c = {p, row, block, p->y + row * p->y_stride + block * DX_LANES, p->y_stride};
            int64_t rows = p->rows - row;
            bool lower = rows > DX_LANES, fits = block * DX_LANES + outputs <= p->outputs && rows >= (lower ? 32 : 16);
            if (fits) sum_part(lower, second, &c);
            else sum_edge(lower, second, c);
        }
    }
}

static void mixed_product(const void *arguments, int64_t from, int64_t to) {
    const dx_mixed_product *p = arguments;
    if (p->rows <= DX_LANES) stream_few(p, from, to);
    else sum_many(p, from, to);
    _tile_release();
    mixed_finish(p, 0, p->rows, from, to);
}

const dx_mixed_kernels dx_mixed_kernels_amx = {
    .product = mixed_product,
    .rows = mixed_rows,
    .columns = mixed_columns,
    .packed_rows = mixed_packed_rows,
    .packed_columns = mixed_packed_columns,
};

#pragma clang attribute pop

/// The kernel must grant the state of the tiles to a process before its first use of them.
bool dx_has_amx(void) {
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-tile")
        && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#endif
