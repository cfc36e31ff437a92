// Results that no cache would keep until they are read go past the caches: lines that are written whole need not be fetched before.

enum { LARGE_RESULT = 256 * 1024 };  // numbers: half of a second cache of 2 MiB

/// Whether a result, [rows, outputs], is large, and its rows begin where lines of memory do. Who writes one has to end with `end_result`.
static inline ALWAYS bool passes_caches(const float *y, int64_t stride, int64_t rows, int64_t outputs) {
    return rows * outputs >= LARGE_RESULT && (uintptr_t)y % 64 == 0 && stride % DX_LANES == 0;
}

static inline ALWAYS void store_result(bool passes, float *y, floats v, int64_t count) {
    if (passes && count >= DX_LANES) __builtin_nontemporal_store(v, (floats *)y);
    else store_part(y, v, count);
}

/// What went past the caches is there before other threads are told.
static inline ALWAYS void end_result(void) {
    _mm_sfence();
}
