// What attention knows of its queries while they go over the blocks. Those of one kv head and row tile share its keys and values.

enum { QUERIES = 32 };  // queries that go over the blocks together: their scores fit the nearest cache beside keys or values

/// Positions `first ..< last` of the current block.
typedef struct {
    int64_t first, last;
} span;

/// Queries of one kv head: what they see, and what they have gathered so far.
typedef struct {
    int count;
    const float *x[QUERIES];
    float *result[QUERIES];
    int64_t begin[QUERIES], end[QUERIES];
    _Alignas(64) float maximum[QUERIES];
    floats sums[QUERIES];  // of weights
    float *y;              // [QUERIES][value stride]: the weighted sums of values
    // Of the current block:
    span seen[QUERIES];
    _Alignas(64) float raised[QUERIES], origin[QUERIES];
    float kept[QUERIES];  // what becomes of the sums so far
    _Alignas(64) float scores[QUERIES][DX_BLOCK];
    _Alignas(64) uint16_t weights[QUERIES][DX_BLOCK];  // narrow formats; of f32 they take the place of the scores
} queries;

/// The block that the queries are at.
typedef struct {
    dx_kv_head at;
    int64_t width;
    const uint8_t *start, *next;  // the head in this block, and in the one after it; at worst this one again
    int64_t bytes;
    int64_t asked;  // steps of the next one that have been asked for
} block;

/// A block of bf16 in pairs.
typedef struct {
    const uint16_t *keys, *values;
    int64_t key_width, stride;
    block *from;
} pair_block;

/// Lines of a block to ask for. A step is a line of each quarter: memory is read fastest along several lines.
enum { QUARTERS = 4, STEP_BYTES = QUARTERS * 64, SOFTMAX_STEPS = DX_BLOCK / DX_LANES };  // of each query's softmax

typedef struct {
    const uint8_t *start;
    int64_t apart;  // bytes from quarter to quarter
} ahead;

static inline ALWAYS int64_t steps_of(const block *b) {
    return b->bytes / STEP_BYTES;
}

/// The next steps of the next block that should be asked for, or some of this one once that is done. All parts of the work ask for
/// some, those too that read nothing from memory. (One row of a long past: along four lines at an even pace, 0.85 of what plain
/// reading reaches; from first to last, 0.7.)
static inline ALWAYS ahead part_of_next(block *b, int64_t steps) {
    ahead part = {b->start, b->bytes / QUARTERS};
    if (b->asked + steps > steps_of(b)) return part;
    part.start = b->next + b->asked * 64;
    b->asked += steps;
    return part;
}

static inline ALWAYS void ask_for(ahead part, int64_t step) {
    UNROLL for (int i = 0; i < QUARTERS; i++) {
        __builtin_prefetch(part.start + step * 64 + i * part.apart, 0, 2);  // into the second cache: the first is full of this block
    }
}

static inline ALWAYS bool is_whole(span s) {
    return s.first == 0 && s.last == DX_BLOCK;
}

static inline ALWAYS bool sees_any(const queries *q, int i) {
    return q->seen[i].first < q->seen[i].last;
}

/// Adds what a block gave to queries from `first` on, [rows][columns from `column` on], to their sums so far. Queries that see
/// nothing of it stay as they are.
static inline ALWAYS void keep_sums(queries *q, int first, int rows, int64_t column, int64_t columns, const float *sums, int64_t stride) {
    for (int i = first; i < first + rows; i++) {
        if (!sees_any(q, i)) continue;
        float *y = q->y + i * stride + column;
        for (int64_t n = 0; n < columns; n += DX_LANES) {
            store(y + n, FMA(load(y + n), splat(q->kept[i]), load(sums + (i - first) * columns + n)));
        }
    }
}
