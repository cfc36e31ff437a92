// The AVX-512 table for processors with VNNI: one instruction multiplies and adds four pairs of bytes.
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang fp contract(off)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c"))), apply_to = function)

#include "vector/types.h"

#include "vector/avx512.h"

static inline ALWAYS ints prepared_8(ints weights) {
    return weights;
}

static inline ALWAYS ints broadcast_8(uint32_t inputs) {
    return (ints)((int32_t)inputs);
}

static inline ALWAYS ints dot_8(ints acc, ints inputs, ints weights) {
    return (ints)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)inputs, (__m512i)weights);
}

static inline ALWAYS ints dot_4(ints acc, ints low, ints first, ints high, ints second) {
    acc = (ints)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)low, (__m512i)first);
    return (ints)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)high, (__m512i)second);
}

typedef ints bytes_8, inputs_8;

#define NAME "avx512vnni"
#define TABLE dx_kernels_avx512vnni
#include "vector/table.h"

#pragma clang attribute pop
#endif
