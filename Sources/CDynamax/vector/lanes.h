// Parts of vectors, and sums over their lanes.

static inline ALWAYS ints lane_numbers(void) {
    return (ints){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

/// The lanes below `count`, for selections.
static inline ALWAYS ints lanes_below(int64_t count) {
    return lane_numbers() < (ints)((int32_t)count);
}

/// The first `count` elements, or 16; the other lanes are zero, and their memory is not touched.
static inline ALWAYS floats load_part(const float *p, int64_t count) {
    return count >= 16 ? load(p) : load_masked(p, count);
}

static inline ALWAYS void store_part(float *p, floats v, int64_t count) {
    if (count >= 16) store(p, v);
    else store_masked(p, v, count);
}

/// The 16 interleaved sums of a row, added from first to last.
static inline ALWAYS float total(floats sums) {
    float result = sums[0];
    for (int i = 1; i < 16; i++) result = result + sums[i];
    return result;
}

/// The largest lane; a lane that is NaN counts as -infinity.
static inline ALWAYS float largest_lane(floats v) {
    float result = -INFINITY;
    for (int i = 0; i < 16; i++) result = v[i] > result ? v[i] : result;
    return result;
}
