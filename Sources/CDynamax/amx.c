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
#include "vector/fetch.h"
#include "vector/large_result.h"

#include "vector/mixed_operands.h"
#include "vector/mixed_finish.h"
#include "vector/amx_panels.h"

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

static void mixed_product(const void *arguments, int64_t from, int64_t to) {
    const dx_mixed_product *p = arguments;
    if (p->rows > DX_LANES) {
        sum_many(p, from, to);
    } else {
        stream_few(p, from, to);
        mixed_finish(p, 0, p->rows, from, to);
    }
    _tile_release();
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
