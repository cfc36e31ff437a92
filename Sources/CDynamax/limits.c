// Reading and multiplying as fast as the machine can, with nothing else to do.
#include "kernels.h"
#include "CDynamaxLimits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define UNROLL _Pragma("clang loop unroll(full)")

/// Tells the compiler that a value has changed, so that it computes again what follows from it.
#define CHANGED(register, value) __asm__ volatile("" : "+" register(value))

typedef uint64_t words __attribute__((vector_size(64)));

/// Sums that are in flight at a time: enough for the latency of any multiply-add.
enum { CHAINS = 12 };

// MARK: Reading

static inline ALWAYS void read_units(int pieces, int64_t apart, int64_t ahead, const dx_read *r, int64_t from, int64_t to) {
    for (int64_t unit = from; unit < to; unit++) {
        const uint8_t *start = (const uint8_t *)r->bytes + unit * DX_READ_UNIT;
        words sums[4] = {0};
        for (int64_t next = 0; next < DX_READ_UNIT; next += pieces * apart) {
            for (int64_t at = next; at < next + apart; at += 2 * (int64_t)sizeof(words)) {
                UNROLL for (int i = 0; i < 2 * pieces; i++) {
                    const uint8_t *p = start + at + i / 2 * apart + i % 2 * (int64_t)sizeof(words);
                    if (ahead > 0) __builtin_prefetch(p + ahead);
                    sums[i % 4] += *(const words *)p;
                }
            }
        }
        words all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        uint64_t sum = 0;
        UNROLL for (int i = 0; i < 8; i++) sum += all[i];
        r->sums[unit] = sum;
    }
}

#define READ(name, pieces, apart, ahead)                                         \
    static void name(const void *arguments, int64_t from, int64_t to) {          \
        read_units(pieces, apart, ahead, (const dx_read *)arguments, from, to);  \
    }

#define READS(isa)                              \
    READ(isa##_along, 1, DX_READ_UNIT, 0)       \
    READ(isa##_ahead, 1, DX_READ_UNIT, 4096)    \
    READ(isa##_pages, 8, 4096, 0)               \
    READ(isa##_pieces, 4, 32768, 0)             \
    READ(isa##_pieces_ahead, 4, 32768, 2048)    \
    READ(isa##_many, 16, 32768, 0)

#define READS_OF(isa) {isa##_along, isa##_ahead, isa##_pages, isa##_pieces, isa##_pieces_ahead, isa##_many}

// MARK: Multiplying

/// A task of CHAINS sums: each step does `statement` with every sum. `total` adds up the lanes of `sum`.
#define MULTIPLY_ADDS(name, register, type, one, statement, total)          \
    static void name(const void *arguments, int64_t from, int64_t to) {     \
        const dx_multiply_adds *m = arguments;                              \
        for (int64_t unit = from; unit < to; unit++) {                      \
            type sums[CHAINS] = {0}, ones = one;                            \
            for (int64_t step = 0; step < m->steps; step++) {               \
                UNROLL for (int i = 0; i < CHAINS; i++) {                   \
                    CHANGED(register, ones);                                \
                    statement;                                              \
                }                                                           \
            }                                                               \
            int64_t count = 0;                                              \
            for (int i = 0; i < CHAINS; i++) {                              \
                type sum = sums[i];                                         \
                count += total;                                             \
            }                                                               \
            m->counts[unit] = count;                                        \
        }                                                                   \
    }

READS(scalar)
MULTIPLY_ADDS(scalar_int8, "r", int32_t, 1, sums[i] += (int8_t)ones * (int8_t)ones; CHANGED("r", sums[i]), sum)
#if defined(__x86_64__)
MULTIPLY_ADDS(scalar_f32, "x", float, 1, sums[i] = __builtin_fmaf(ones, ones, sums[i]), (int64_t)sum)
#else
MULTIPLY_ADDS(scalar_f32, "w", float, 1, sums[i] = __builtin_fmaf(ones, ones, sums[i]), (int64_t)sum)
#endif

static const dx_limit_kernels scalar = {.reads = READS_OF(scalar), .int8 = scalar_int8, .f32 = scalar_f32};

#if defined(__x86_64__)

// Pairs of 16-bit numbers are the widest integer products of these two sets that cannot saturate.
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

static inline ALWAYS int64_t total_ymm(__m256i sum) {
    int32_t lanes[8];
    memcpy(lanes, &sum, sizeof lanes);
    int64_t result = 0;
    for (int i = 0; i < 8; i++) result += lanes[i];
    return result;
}

READS(avx2)
MULTIPLY_ADDS(
    avx2_int8, "x", __m256i, _mm256_set1_epi16(1), sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(ones, ones)),
    total_ymm(sum))
MULTIPLY_ADDS(
    avx2_f32, "x", __m256, _mm256_set1_ps(1), sums[i] = _mm256_fmadd_ps(ones, ones, sums[i]),
    total_ymm(_mm256_cvtps_epi32(sum)))

#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw"))), apply_to = function)

static inline ALWAYS int64_t total_zmm(__m512i sum) {
    int32_t lanes[16];
    memcpy(lanes, &sum, sizeof lanes);
    int64_t result = 0;
    for (int i = 0; i < 16; i++) result += lanes[i];
    return result;
}

READS(avx512)
MULTIPLY_ADDS(
    avx512_int8, "v", __m512i, _mm512_set1_epi16(1), sums[i] = _mm512_add_epi32(sums[i], _mm512_madd_epi16(ones, ones)),
    total_zmm(sum))
MULTIPLY_ADDS(
    avx512_f32, "v", __m512, _mm512_set1_ps(1), sums[i] = _mm512_fmadd_ps(ones, ones, sums[i]),
    total_zmm(_mm512_cvtps_epi32(sum)))

#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vnni"))), apply_to = function)

MULTIPLY_ADDS(
    avx512vnni_int8, "v", __m512i, _mm512_set1_epi8(1), sums[i] = _mm512_dpbusd_epi32(sums[i], ones, ones), total_zmm(sum))

#pragma clang attribute pop

static const dx_limit_kernels
    avx2 = {.reads = READS_OF(avx2), .int8 = avx2_int8, .f32 = avx2_f32},
    avx512 = {.reads = READS_OF(avx512), .int8 = avx512_int8, .f32 = avx512_f32},
    avx512vnni = {.reads = READS_OF(avx512), .int8 = avx512vnni_int8, .f32 = avx512_f32};

#if defined(__linux__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,amx-tile,amx-int8,amx-bf16"))), apply_to = function)

/// Rows and 32-bit lanes of a tile.
enum { TILE_ROWS = 16, TILE_LANES = 16 };

/// Tiles 0 to 3 hold sums, 4 and 5 the ones of two factors.
#define TILE_MULTIPLY_ADDS(name, product, ones, sum_type)                                    \
    static void name(const void *arguments, int64_t from, int64_t to) {                     \
        const dx_multiply_adds *m = arguments;                                              \
        struct {                                                                            \
            uint8_t palette, start, reserved[14];                                           \
            uint16_t row_bytes[16];                                                         \
            uint8_t rows[16];                                                               \
        } shapes = {.palette = 1};                                                          \
        for (int i = 0; i < 6; i++) {                                                       \
            shapes.row_bytes[i] = 64;                                                       \
            shapes.rows[i] = TILE_ROWS;                                                     \
        }                                                                                   \
        _tile_loadconfig(&shapes);                                                          \
        __m512i factor[TILE_ROWS];                                                          \
        for (int i = 0; i < TILE_ROWS; i++) factor[i] = ones;                               \
        _tile_loadd(4, factor, 64);                                                         \
        _tile_loadd(5, factor, 64);                                                         \
        for (int64_t unit = from; unit < to; unit++) {                                      \
            _tile_zero(0);                                                                  \
            _tile_zero(1);                                                                  \
            _tile_zero(2);                                                                  \
            _tile_zero(3);                                                                  \
            for (int64_t step = 0; step < m->steps; step++) {                               \
                product(0, 4, 5);                                                           \
                product(1, 4, 5);                                                           \
                product(2, 4, 5);                                                           \
                product(3, 4, 5);                                                           \
            }                                                                               \
            sum_type sums[4][TILE_ROWS * TILE_LANES];                                       \
            _tile_stored(0, sums[0], 64);                                                   \
            _tile_stored(1, sums[1], 64);                                                   \
            _tile_stored(2, sums[2], 64);                                                   \
            _tile_stored(3, sums[3], 64);                                                   \
            int64_t count = 0;                                                              \
            for (int i = 0; i < 4 * TILE_ROWS * TILE_LANES; i++) {                          \
                count += (int64_t)sums[i / (TILE_ROWS * TILE_LANES)][i % (TILE_ROWS * TILE_LANES)]; \
            }                                                                               \
            m->counts[unit] = count;                                                        \
        }                                                                                   \
        _tile_release();                                                                    \
    }

TILE_MULTIPLY_ADDS(amx_int8, _tile_dpbssd, _mm512_set1_epi8(1), int32_t)
TILE_MULTIPLY_ADDS(amx_bf16, _tile_dpbf16ps, _mm512_set1_epi16(0x3f80), float)

#pragma clang attribute pop

static const dx_limit_kernels
    amx = {.reads = READS_OF(avx512), .int8 = amx_int8, .bf16 = amx_bf16, .f32 = avx512_f32},
    amx_without_int8 = {.reads = READS_OF(avx512), .int8 = avx512vnni_int8, .bf16 = amx_bf16, .f32 = avx512_f32};
#endif
#endif

const dx_limit_kernels *dx_limit_kernels_of(dx_isa isa) {
    if (!dx_kernels_of(isa)) return NULL;
    switch (isa) {
#if defined(__x86_64__)
    case DX_AVX2: return &avx2;
    case DX_AVX512: return &avx512;
    case DX_AVX512_VNNI: return &avx512vnni;
#if defined(__linux__)
    case DX_AMX: return __builtin_cpu_supports("amx-int8") ? &amx : &amx_without_int8;
#endif
#endif
    default: return &scalar;
    }
}
