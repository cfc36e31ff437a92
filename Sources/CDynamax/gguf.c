// The block types of GGUF: layouts as the format defines them, expanded to f32.
//
// Blocks are aligned to two bytes at best, so wider fields are copied out. Values are multiplied and added in the order
// that the format's reference implementation uses, and never fused, so that results are the same to the bit.
#include "kernels.h"

#pragma clang fp contract(off)

static inline ALWAYS float half_at(const uint8_t *p) {
    uint16_t bits;
    memcpy(&bits, p, sizeof bits);
    return dx_float_of_f16(bits);
}

/// Bit i of `bits` as byte i, 0x10 where it is set: the fifth bit of five-bit values.
static inline ALWAYS void spread_bits(const uint8_t *bits, uint8_t *fifth) {
    for (int i = 0; i < 4; i++) {
        uint64_t x = bits[i] * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);  // one bit left in each byte
        x = (x + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 3 & UINT64_C(0x1010101010101010);
        memcpy(fifth + 8 * i, &x, sizeof x);
    }
}

// MARK: Blocks of 32 with one scale

/// d (f16); 16 bytes, element i in the low and i + 16 in the high nibble of byte i.
static inline ALWAYS void q4_0(const uint8_t *b, float *y) {
    float d = half_at(b);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b[2 + i] & 15) - 8);
        y[i + 16] = d * (float)((b[2 + i] >> 4) - 8);
    }
}

/// d, m (f16); nibbles as in q4_0.
static inline ALWAYS void q4_1(const uint8_t *b, float *y) {
    float d = half_at(b), m = half_at(b + 2);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)(b[4 + i] & 15) + m;
        y[i + 16] = d * (float)(b[4 + i] >> 4) + m;
    }
}

/// d (f16); 32 fifth bits; nibbles as in q4_0.
static inline ALWAYS void q5_0(const uint8_t *b, float *y) {
    float d = half_at(b);
    uint8_t fifth[32];
    spread_bits(b + 2, fifth);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b[6 + i] & 15 | fifth[i]) - 16);
        y[i + 16] = d * (float)((b[6 + i] >> 4 | fifth[i + 16]) - 16);
    }
}

/// d, m (f16); 32 fifth bits; nibbles as in q4_0.
static inline ALWAYS void q5_1(const uint8_t *b, float *y) {
    float d = half_at(b), m = half_at(b + 2);
    uint8_t fifth[32];
    spread_bits(b + 4, fifth);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)(b[8 + i] & 15 | fifth[i]) + m;
        y[i + 16] = d * (float)(b[8 + i] >> 4 | fifth[i + 16]) + m;
    }
}

/// d (f16); 32 signed bytes.
static inline ALWAYS void q8_0(const uint8_t *b, float *y) {
    float d = half_at(b);
    for (int i = 0; i < 32; i++) y[i] = (float)(int8_t)b[2 + i] * d;
}

// MARK: Blocks of 256 whose parts have scales of their own

/// 16 bytes: scale in the low, minimum in the high nibble, for each 16 elements; 64 bytes of four 2-bit values, 32 elements
/// apart; d, dmin (f16).
static inline ALWAYS void q2_k(const uint8_t *b, float *y) {
    const uint8_t *scales = b, *q = b + 16;
    float d = half_at(b + 80), minimum = half_at(b + 82);
    for (int part = 0; part < 8; part++) {  // 32 elements
        const uint8_t *bytes = q + part / 4 * 32;
        int shift = part % 4 * 2;
        for (int side = 0; side < 2; side++) {
            uint8_t scale = scales[2 * part + side];
            float dl = d * (float)(scale & 15), ml = minimum * (float)(scale >> 4);
            for (int i = 0; i < 16; i++) *y++ = dl * (float)(bytes[16 * side + i] >> shift & 3) - ml;
        }
    }
}

/// 32 bytes: bit p of byte i is the inverted third bit of element 32 p + i; 64 bytes of two lower bits as in q2_k;
/// 16 scales of 6 bits, minus 32: 8 bytes of low nibbles, 4 bytes of the upper two bits; d (f16).
static inline ALWAYS void q3_k(const uint8_t *b, float *y) {
    const uint8_t *high = b, *q = b + 32, *scales = b + 96;
    float d = half_at(b + 108);
    for (int part = 0; part < 8; part++) {
        const uint8_t *bytes = q + part / 4 * 32;
        int shift = part % 4 * 2;
        for (int side = 0; side < 2; side++) {
            int s = 2 * part + side;
            int scale = (scales[s % 8] >> s / 8 * 4 & 15) | (scales[8 + s % 4] >> s / 4 * 2 & 3) << 4;
            float dl = d * (float)(scale - 32);
            for (int i = 16 * side; i < 16 * side + 16; i++) {
                *y++ = dl * (float)((bytes[i] >> shift & 3) + (high[i] >> part & 1) * 4 - 4);
            }
        }
    }
}

/// The 6-bit scale and minimum of part 0 ... 7 from the 12 bytes of q4_k and q5_k.
static inline ALWAYS void scale_and_minimum(const uint8_t *b, int part, int *scale, int *minimum) {
    if (part < 4) {
        *scale = b[part] & 63;
        *minimum = b[part + 4] & 63;
    } else {
        *scale = (b[part + 4] & 15) | b[part - 4] >> 6 << 4;
        *minimum = b[part + 4] >> 4 | b[part] >> 6 << 4;
    }
}

/// d, dmin (f16); 12 bytes of scales and minima; 128 bytes, a nibble for each of two parts of 32.
static inline ALWAYS void q4_k(const uint8_t *b, float *y) {
    float d = half_at(b), dmin = half_at(b + 2);
    for (int part = 0; part < 8; part++) {
        int scale, minimum;
        scale_and_minimum(b + 4, part, &scale, &minimum);
        float dl = d * (float)scale, ml = dmin * (float)minimum;
        const uint8_t *q = b + 16 + part / 2 * 32;
        int shift = part % 2 * 4;
        for (int i = 0; i < 32; i++) *y++ = dl * (float)(q[i] >> shift & 15) - ml;
    }
}

/// As q4_k; between scales and nibbles 32 bytes: bit p of byte i is the fifth bit of element 32 p + i.
static inline ALWAYS void q5_k(const uint8_t *b, float *y) {
    float d = half_at(b), dmin = half_at(b + 2);
    const uint8_t *high = b + 16;
    for (int part = 0; part < 8; part++) {
        int scale, minimum;
        scale_and_minimum(b + 4, part, &scale, &minimum);
        float dl = d * (float)scale, ml = dmin * (float)minimum;
        const uint8_t *q = b + 48 + part / 2 * 32;
        int shift = part % 2 * 4;
        for (int i = 0; i < 32; i++) *y++ = dl * (float)((q[i] >> shift & 15) | (high[i] >> part & 1) << 4) - ml;
    }
}

/// Two halves of 128 elements: 64 bytes of low nibbles, the high ones 64 elements on, and 32 bytes of four upper bit pairs,
/// 32 elements apart; 16 signed scales; d (f16). Values are minus 32.
static inline ALWAYS void q6_k(const uint8_t *b, float *y) {
    float d = half_at(b + 208);
    for (int part = 0; part < 8; part++) {
        const uint8_t *low = b + part / 4 * 64 + part % 2 * 32, *high = b + 128 + part / 4 * 32;
        int low_shift = part % 4 / 2 * 4, high_shift = part % 4 * 2;
        for (int side = 0; side < 2; side++) {
            float dl = d * (float)(int8_t)b[192 + 2 * part + side];
            for (int i = 16 * side; i < 16 * side + 16; i++) {
                *y++ = dl * (float)(((low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4) - 32);
            }
        }
    }
}

// MARK: All types

#define EXPAND(function, bytes, elements) \
    for (int64_t i = 0; i < count / (elements); i++) function(b + i * (bytes), y + i * (elements)); \
    return true

bool dx_gguf_expand(int type, const void *blocks, float *y, int64_t count) {
    const uint8_t *b = blocks;
    switch (type) {
    case DX_GGUF_F32: memcpy(y, b, (size_t)count * sizeof(float)); return true;
    case DX_GGUF_F16: for (int64_t i = 0; i < count; i++) y[i] = half_at(b + 2 * i); return true;
    case DX_GGUF_BF16:
        for (int64_t i = 0; i < count; i++) {
            uint16_t bits;
            memcpy(&bits, b + 2 * i, sizeof bits);
            y[i] = dx_float_of_bf16(bits);
        }
        return true;
    case DX_GGUF_Q4_0: EXPAND(q4_0, 18, 32);
    case DX_GGUF_Q4_1: EXPAND(q4_1, 20, 32);
    case DX_GGUF_Q5_0: EXPAND(q5_0, 22, 32);
    case DX_GGUF_Q5_1: EXPAND(q5_1, 24, 32);
    case DX_GGUF_Q8_0: EXPAND(q8_0, 34, 32);
    case DX_GGUF_Q2_K: EXPAND(q2_k, 84, 256);
    case DX_GGUF_Q3_K: EXPAND(q3_k, 110, 256);
    case DX_GGUF_Q4_K: EXPAND(q4_k, 144, 256);
    case DX_GGUF_Q5_K: EXPAND(q5_k, 176, 256);
    case DX_GGUF_Q6_K: EXPAND(q6_k, 210, 256);
    default: return false;
    }
}
