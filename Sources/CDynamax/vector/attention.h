// Attention over KV blocks. The queries of one kv head and row tile share its keys and values.

enum { QUERIES = 32 };  // queries that go over the blocks together: their scores fit the nearest cache beside a block

/// Queries of one kv head: what they see, and what they have gathered so far.
typedef struct {
    int count;
    const float *query[QUERIES];
    float *y[QUERIES];  // the weighted sum of values so far
    int64_t begin[QUERIES], end[QUERIES];
    float maximum[QUERIES];
    floats sums[QUERIES];
    _Alignas(64) float scores[QUERIES][DX_BLOCK];
} queries;

/// Positions `first ..< last` of the current block.
typedef struct {
    int64_t first, last;
} span;

static inline ALWAYS span visible(const queries *q, int i, int64_t block) {
    span seen = {dx_max(q->begin[i] - block * DX_BLOCK, 0), dx_min(q->end[i] - block * DX_BLOCK, DX_BLOCK)};
    return seen;
}

/// Scores of the queries from `first` on for `vectors` vectors of positions from `column` on.
static inline ALWAYS void score_tile(int rows, int vectors, queries *q, int first, const float *keys, int64_t width, int64_t column) {
    tile sums;
    tile_clear(rows, vectors, &sums);
    tile_f32(rows, vectors, &sums, q->query + first, keys + column, (lattice){DX_LANES, DX_BLOCK, false}, width);
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) store(q->scores[first + m] + column + n * DX_LANES, sums.at[m][n]);
    }
}

static inline ALWAYS void value_tile(
    int rows, int vectors, queries *q, int first, const float *values, int64_t stride, int64_t width, int64_t column, span seen) {
    const float *weights[TILE_ROWS];
    tile sums;
    UNROLL for (int m = 0; m < rows; m++) {
        weights[m] = q->scores[first + m] + seen.first;
        UNROLL for (int n = 0; n < vectors; n++) {
            int64_t c = column + n * DX_LANES;
            sums.at[m][n] = load_part(q->y[first + m] + c, width - c);
        }
    }
    tile_f32(
        rows, vectors, &sums, weights, values + seen.first * stride + column, (lattice){DX_LANES, stride, false}, seen.last - seen.first);
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors; n++) {
            int64_t c = column + n * DX_LANES;
            store_part(q->y[first + m] + c, sums.at[m][n], width - c);
        }
    }
}

/// Adds the values of `seen` to the queries from `first` on.
static inline ALWAYS void add_values(int rows, queries *q, int first, const float *values, int64_t width, span seen) {
    int64_t stride = DX_VALUE_STRIDE(width), column = 0, wide = TILE_VECTORS * DX_LANES;
    if (seen.first >= seen.last) return;
    for (; column + wide <= stride; column += wide) {
        value_tile(rows, TILE_VECTORS, q, first, values, stride, width, column, seen);
    }
    for (; TILE_VECTORS > 1 && column < stride; column += DX_LANES) {
        value_tile(rows, 1, q, first, values, stride, width, column, seen);
    }
}

static inline ALWAYS void score_rows(int rows, queries *q, int first, const float *keys, int64_t width, span seen) {
    int64_t column = seen.first / DX_LANES * DX_LANES, wide = TILE_VECTORS * DX_LANES;
    for (; column + wide <= (seen.last + DX_LANES - 1) / DX_LANES * DX_LANES; column += wide) {
        score_tile(rows, TILE_VECTORS, q, first, keys, width, column);
    }
    for (; TILE_VECTORS > 1 && column < seen.last; column += DX_LANES) score_tile(rows, 1, q, first, keys, width, column);
}

/// Turns the scores of a query into weights against its running maximum, and brings its sums so far to that maximum.
static inline ALWAYS void weigh(queries *q, int i, span seen, float scale, int64_t width) {
    floats largest = splat(q->maximum[i]);
    ints lane = lane_numbers();
    for (int64_t column = 0; column < DX_BLOCK; column += DX_LANES) {
        ints position = lane + (int32_t)column;
        ints sees = (position >= (ints)((int32_t)seen.first)) & (position < (ints)((int32_t)seen.last));
        floats score = sees ? load(q->scores[i] + column) * splat(scale) : splat(-INFINITY);
        store(q->scores[i] + column, score);
        largest = score > largest ? score : largest;
    }
    float raised = largest_lane(largest), origin = raised == -INFINITY ? 0 : raised;
    floats kept = exponential(splat(q->maximum[i] - origin));
    q->maximum[i] = raised;
    q->sums[i] = q->sums[i] * kept;
    if (kept[0] != 1) {
        for (int64_t d = 0; d < width; d += DX_LANES) store_part(q->y[i] + d, load_part(q->y[i] + d, width - d) * kept, width - d);
    }
    for (int64_t column = 0; column < DX_BLOCK; column += DX_LANES) {
        floats weight = exponential(load(q->scores[i] + column) - splat(origin));
        store(q->scores[i] + column, weight);
        q->sums[i] = q->sums[i] + weight;
    }
}

/// One block for the queries from `first` on. What only some of them see is added to those alone, in the order of positions.
static inline ALWAYS void attend_tile(
    int rows, queries *q, int first, const float *keys, int64_t block, int64_t width, float scale) {
    const float *values = keys + width * DX_BLOCK;
    span any = {DX_BLOCK, 0}, all = {0, DX_BLOCK};
    for (int i = first; i < first + rows; i++) {
        span seen = visible(q, i, block);
        any = (span){dx_min(any.first, seen.first), dx_max(any.last, seen.last)};
        all = (span){dx_max(all.first, seen.first), dx_min(all.last, seen.last)};
    }
    if (any.first >= any.last) return;
    score_rows(rows, q, first, keys, width, any);
    for (int i = first; i < first + rows; i++) {
        span seen = visible(q, i, block);
        if (seen.first < seen.last) weigh(q, i, seen, scale, width);
    }
    if (all.first >= all.last) all = (span){0, 0};  // nothing in common: each adds what it sees as its own end
    for (int i = first; i < first + rows; i++) {
        span seen = visible(q, i, block);
        add_values(1, q, i, values, width, (span){seen.first, dx_min(all.first, seen.last)});
    }
    add_values(rows, q, first, values, width, all);
    for (int i = first; i < first + rows; i++) {
        span seen = visible(q, i, block);
        add_values(1, q, i, values, width, (span){dx_max(all.last, seen.first), seen.last});
    }
}

static void attend(const dx_attention *p, const dx_sequence *sequence, int64_t kv_head, queries *q) {
    int64_t begin = q->begin[0], end = q->end[0];
    for (int i = 0; i < q->count; i++) {
        begin = dx_min(begin, q->begin[i]);
        end = dx_max(end, q->end[i]);
        q->maximum[i] = -INFINITY;
        q->sums[i] = splat(0);
        for (int64_t d = 0; d < p->width; d += DX_LANES) store_part(q->y[i] + d, splat(0), p->width - d);
    }
    for (int64_t block = begin / DX_BLOCK; block * DX_BLOCK < end; block++) {
        const float *keys = sequence->blocks[block] + kv_head * DX_BLOCK_FLOATS(1, p->width);
        int left = (q->count + TILE_ROWS - 1) / TILE_ROWS;
        for (int first = 0; left > 0; left--) {
            int rows = (q->count - first + left - 1) / left;
            WITH_ROWS(rows, attend_tile, q, first, keys, block, p->width, p->scale)
            first += rows;
        }
    }
    for (int i = 0; i < q->count; i++) {
        floats sum = splat(total(q->sums[i]));
        for (int64_t d = 0; d < p->width; d += DX_LANES) {
            store_part(q->y[i] + d, load_part(q->y[i] + d, p->width - d) / sum, p->width - d);
        }
    }
}

static void attention(const void *arguments, int64_t from, int64_t to) {
    const dx_attention *p = arguments;
    int64_t group = p->heads / p->kv_heads;
    queries q;
    for (int64_t unit = from; unit < to; unit++) {
        int64_t kv_head = unit / p->tiles, tile = unit % p->tiles;
        const dx_sequence *sequence = dx_sequence_of_tile(p->sequences, p->count, tile);
        int64_t first = (tile - sequence->tile) * DX_ROW_TILE, rows = dx_min(DX_ROW_TILE, sequence->rows - first);
        for (int64_t done = 0; done < rows * group; done += q.count) {
            q.count = (int)dx_min(rows * group - done, QUERIES);
            for (int i = 0; i < q.count; i++) {
                int64_t index = first + (done + i) / group, column = (kv_head * group + (done + i) % group) * p->width;
                int64_t row = sequence->row + index, end = sequence->position + index + 1;
                q.query[i] = p->queries + row * p->query_stride + column;
                q.y[i] = p->y + row * p->y_stride + column;
                q.begin[i] = p->window > 0 ? dx_max(end - p->window, 0) : 0;
                q.end[i] = end;
            }
            attend(p, sequence, kv_head, &q);
        }
    }
}
