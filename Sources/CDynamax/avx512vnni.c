// The AVX-512 table for processors with VNNI: one instruction multiplies and adds four pairs of bytes.
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang fp contract(off)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c"))), apply_to = function)

#include "vector/types.h"

#include "vector/avx512.h"

typedef ints weights_8, inputs_8;

static inline ALWAYS ints prepared_weights(ints weights) {
    return weights;
}

static inline ALWAYS ints prepared_inputs(ints inputs) {
    return inputs;
}

static inline ALWAYS ints dot_8(ints sum, ints weights, ints inputs) {
    return (ints)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)weights, (__m512i)inputs);
}

static inline ALWAYS ints dot_4(ints sum, ints low, ints first, ints high, ints second) {
    return dot_8(dot_8(sum, low, first), high, second);
}

#define NAME "avx512vnni"
#define TABLE dx_kernels_avx512vnni
#include "vector/table.h"

#if defined(__linux__)
/// Those of processors with matrix instructions, which serve many rows.
const dx_kernels dx_kernels_amx = {
    .name = "amx", .tiled_rows = 33, SHARED_KERNELS, .product_int8 = dx_amx_product_int8,
    .product_int4 = dx_amx_product_int4, .attention = dx_attention_amx};
#endif

#pragma clang attribute pop
#endif
