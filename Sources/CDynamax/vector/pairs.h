// Exact dot products of bytes without VNNI: 16-bit multiplication of the even and of the odd bytes of each lane.

typedef struct {
    ints even, odd;  // 16-bit numbers
} byte_pairs;

typedef byte_pairs weights_8, inputs_8;

static inline ALWAYS byte_pairs prepared_weights(ints weights) {
    return (byte_pairs){weights & 0x00ff00ff, (ints)((ushorts)weights >> 8)};
}

static inline ALWAYS byte_pairs prepared_inputs(ints inputs) {
    return (byte_pairs){(ints)((shorts)((ushorts)inputs << 8) >> 8), (ints)((shorts)inputs >> 8)};
}

static inline ALWAYS ints dot_8(ints sum, byte_pairs weights, byte_pairs inputs) {
    return sum + (multiply_add_shorts(inputs.even, weights.even) + multiply_add_shorts(inputs.odd, weights.odd));
}

/// The 16-bit sums are at most 4 * 15 * 128: no saturation.
static inline ALWAYS ints dot_4(ints sum, ints low, ints first, ints high, ints second) {
    shorts sums = (shorts)multiply_add_bytes(low, first) + (shorts)multiply_add_bytes(high, second);
    return sum + multiply_add_shorts((ints)sums, (ints)(0x00010001));
}
