// Lines asked of memory at an even pace, beside the work that must not wait for them.

/// Lines of several rows of memory on their way to the caches.
typedef struct {
    const uint8_t *start;
    int64_t apart, line, lines, row, rows, share;  // share: lines to ask for at each step
} fetch;

static inline ALWAYS void fetch_share(bool writes, fetch *next) {
    for (int64_t i = 0; i < next->share && next->row < next->rows; i++) {
        const uint8_t *line = next->start + next->row * next->apart + next->line * 64;
        if (writes) __builtin_prefetch(line, 1, 2);
        else __builtin_prefetch(line, 0, 2);
        if (++next->line < next->lines) continue;
        next->line = 0;
        next->row++;
    }
}
