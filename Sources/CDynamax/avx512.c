// The AVX-512 table.
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang fp contract(off)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,f16c"))), apply_to = function)

#include "vector/types.h"

#include "vector/avx512.h"

static inline ALWAYS ints multiply_add_shorts(ints a, ints b) {
    return (ints)_mm512_madd_epi16((__m512i)a, (__m512i)b);
}

static inline ALWAYS ints multiply_add_bytes(ints not_negative, ints any) {
    return (ints)_mm512_maddubs_epi16((__m512i)not_negative, (__m512i)any);
}

#include "vector/pairs.h"

#define NAME "avx512"
#define TABLE dx_kernels_avx512
#include "vector/table.h"

#define GRADIENT_TABLE dx_gradient_kernels_avx512
#include "vector/gradients.h"

#define MIXED_TABLE dx_mixed_kernels_avx512
#include "vector/mixed.h"

#pragma clang attribute pop
#endif
