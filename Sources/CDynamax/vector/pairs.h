// Exact dot products of bytes without VNNI: 16-bit multiplication of the even and of the odd bytes of each lane.

typedef struct {
    ints even, odd;  // 16-bit numbers
} byte_pairs;

typedef byte_pairs bytes_8, inputs_8;

/// Sign-extends the bytes.
static inline ALWAYS byte_pairs prepared_8(ints weights) {
    shorts pairs = (shorts)weights;
    return (byte_pairs){(ints)((shorts)(pairs << 8) >> 8), (ints)(pairs >> 8)};
}

static inline ALWAYS byte_pairs broadcast_8(uint32_t inputs) {
    return (byte_pairs){(ints)((int32_t)(inputs & 0x00ff00ff)), (ints)((int32_t)(inputs >> 8 & 0x00ff00ff))};
}

static inline ALWAYS ints dot_8(ints acc, byte_pairs inputs, byte_pairs weights) {
    return acc + multiply_add_shorts(inputs.even, weights.even) + multiply_add_shorts(inputs.odd, weights.odd);
}

/// At most 4 * 15 * 128 in each 16-bit sum: no saturation.
static inline ALWAYS ints dot_4(ints acc, ints low, ints first, ints high, ints second) {
    shorts sums = (shorts)multiply_add_bytes(low, first) + (shorts)multiply_add_bytes(high, second);
    return acc + multiply_add_shorts((ints)sums, (ints)(0x00010001));
}
